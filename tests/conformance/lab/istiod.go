package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"reflect"
	"syscall"
	"time"
	"unsafe"

	"istio.io/istio/pilot/pkg/bootstrap"
	istiocluster "istio.io/istio/pkg/cluster"
	"istio.io/istio/pkg/kube"
	"istio.io/istio/pkg/log"
)

// istiodEnvironment is what istiod needs to know of this place: certificates come from the lab, and
// stock Envoy has none of the filters Istio's build adds. PILOT_SKIP_VALIDATE_TRUST_DOMAIN and
// PILOT_ENABLE_K8S_SELECT_WORKLOAD_ENTRIES are what docs/emission.md demands of every istiod.
var istiodEnvironment = []string{
	"ENABLE_CA_SERVER=false", "PILOT_CERT_PROVIDER=none",
	"POD_NAME=istiod-lab", "POD_NAMESPACE=istio-system",
	"PILOT_ENABLE_METADATA_EXCHANGE=false", "PILOT_ENABLE_ALPN_FILTER=false",
	"PILOT_ENABLE_TELEMETRY_LABEL=false", "PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER=false",
	"PILOT_SKIP_VALIDATE_TRUST_DOMAIN=true", "PILOT_ENABLE_K8S_SELECT_WORKLOAD_ENTRIES=false",
	"PILOT_DEBOUNCE_AFTER=10ms",
	"VALIDATION_WEBHOOK_CONFIG_NAME=", "INJECTION_WEBHOOK_CONFIG_NAME=", // nobody would call them
}

// runIstiod is Istio's control plane over an API in memory or a real one; it runs until it is told to
// end.
func runIstiod(arguments []string) error {
	flags := flag.NewFlagSet("istiod", flag.ContinueOnError)
	name := flags.String("cluster", "", "cluster ID")
	objects := flags.String("objects", "", "folder of the objects an API in memory shows")
	kubeconfig := flags.String("kubeconfig", "", "of a real API server, instead")
	mesh := flags.String("mesh", "", "file of the mesh configuration")
	httpAddress := flags.String("http", "", "address of the debug pages")
	monitoring := flags.String("monitoring", "", "address of the metrics")
	secure := flags.String("xds", "", "address of xDS over mutual TLS")
	tls := flags.String("tls", "", "prefix of the files .crt, .key and .root")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	options := log.DefaultOptions()
	if err := log.Configure(options); err != nil {
		return err
	}
	args := bootstrap.NewPilotArgs(func(p *bootstrap.PilotArgs) {
		p.Namespace = "istio-system"
		p.PodName = "istiod-lab"
		p.InjectionOptions = bootstrap.InjectionOptions{}
		p.ShutdownDuration = 100 * time.Millisecond
		p.MeshConfigFile = *mesh
		p.NetworksConfigFile = "/nonexistent"
		p.RegistryOptions.Registries = []string{"Kubernetes"}
		p.RegistryOptions.KubeOptions.DomainSuffix = "cluster.local"
		p.RegistryOptions.KubeOptions.ClusterID = istiocluster.ID(*name)
		p.RegistryOptions.KubeConfig = *kubeconfig
		p.RegistryOptions.KubeOptions.KubernetesAPIQPS = 80 // pilot-discovery's own defaults
		p.RegistryOptions.KubeOptions.KubernetesAPIBurst = 160
		p.ServerOptions = bootstrap.DiscoveryServerOptions{
			HTTPAddr: *httpAddress, MonitoringAddr: *monitoring, SecureGRPCAddr: *secure,
			TLSOptions: bootstrap.TLSOptions{
				CertFile: *tls + ".crt", KeyFile: *tls + ".key", CaCertFile: *tls + ".root",
				TLSMinVersion: bootstrap.TLSMinVersion1_2,
			},
		}
	})
	if err := args.Complete(); err != nil {
		return err
	}
	if *kubeconfig != "" {
		return serveIstiod(args, nil)
	}
	shownAPI, err := newAPI(*objects)
	if err != nil {
		return err
	}
	if err := shownAPI.refresh(); err != nil {
		return err
	}
	return serveIstiod(args, shownAPI)
}

// serveIstiod runs over an API in memory or, without one, over that of the kubeconfig.
func serveIstiod(args *bootstrap.PilotArgs, shownAPI *api) error {
	var hook error
	server, err := bootstrap.NewServer(args, func(s *bootstrap.Server) {
		if shownAPI != nil {
			hook = setKubeClient(s, shownAPI.client)
		}
	})
	if err := errors.Join(err, hook); err != nil {
		return err
	}
	stop := make(chan struct{})
	if err := server.Start(stop); err != nil {
		return err
	}
	if shownAPI != nil {
		go shownAPI.follow(stop, func(err error) { log.Errorf("objects: %v", err) })
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	<-signals
	close(stop)
	return nil
}

// setKubeClient gives istiod the client it would make for itself from a kubeconfig. The field is not
// exported; Istio's own tests set it by the same hook from inside the package.
func setKubeClient(server *bootstrap.Server, client kube.Client) error {
	field := reflect.ValueOf(server).Elem().FieldByName("kubeClient")
	if !field.IsValid() || field.Type() != reflect.TypeFor[kube.Client]() {
		return fmt.Errorf("this Istio's bootstrap.Server has no field kubeClient of type kube.Client")
	}
	*(*kube.Client)(unsafe.Pointer(field.UnsafeAddr())) = client
	return nil
}
