package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type object = map[string]any

// bootstrapOf is the configuration a proxy starts with, as Istio's agent writes it: who it is, and
// where to ask for the rest.
func bootstrapOf(p *pod, socket string) object {
	kind := "sidecar"
	if p.gateway {
		kind = "router"
	}
	set := maps.Clone(p.labels)
	if set == nil {
		set = map[string]string{}
	}
	set["security.istio.io/tlsMode"] = "istio"
	metadata := object{
		"NAME": p.name, "NAMESPACE": p.ns, "SERVICE_ACCOUNT": p.account, "WORKLOAD_NAME": p.workload,
		"MESH_ID": "lab", "CLUSTER_ID": p.cluster.name, "NETWORK": p.cluster.network,
		"ISTIO_VERSION": "1.31.0", "INSTANCE_IPS": p.address.String(), "LABELS": set, "PROXY_CONFIG": object{},
	}
	if !p.gateway {
		metadata["INTERCEPTION_MODE"] = "REDIRECT"
	}
	if p.passes {
		// As Istio installs gateways for other networks: they know the endpoints of their own only.
		metadata["REQUESTED_NETWORK_VIEW"] = p.cluster.network
	}
	ads := object{"ads": object{}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"}
	return object{
		"node": object{
			"id":       fmt.Sprintf("%s~%s~%s.%s~%s.svc.cluster.local", kind, p.address, p.name, p.ns, p.ns),
			"cluster":  p.workload + "." + p.ns,
			"locality": object{"region": p.region, "zone": p.zone},
			"metadata": metadata,
		},
		"admin": object{"address": socketAddress("127.0.0.1", 15000)},
		"bootstrap_extensions": []any{object{
			"name": "envoy.bootstrap.internal_listener",
			"typed_config": object{
				"@type": "type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener",
			},
		}},
		"dynamic_resources": object{
			"lds_config": ads, "cds_config": ads,
			"ads_config": object{
				"api_type": "DELTA_GRPC", "transport_api_version": "V3", "set_node_on_first_message_only": true,
				"grpc_services": []any{object{"envoy_grpc": object{"cluster_name": "xds-grpc"}}},
			},
		},
		"static_resources": object{"clusters": []any{
			controlCluster("xds-grpc", socketAddress(p.cluster.address.String(), 15012), istiodTLS()),
			controlCluster("sds-grpc", object{"pipe": object{"path": socket}}, nil),
		}},
	}
}

func socketAddress(address string, port int) object {
	return object{"socket_address": object{"address": address, "port_value": port}}
}

func controlCluster(name string, address, tls object) object {
	made := object{
		"name": name, "type": "STATIC", "connect_timeout": "1s",
		"typed_extension_protocol_options": object{
			"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": object{
				"@type":                "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
				"explicit_http_config": object{"http2_protocol_options": object{}},
			},
		},
		"load_assignment": object{
			"cluster_name": name,
			"endpoints":    []any{object{"lb_endpoints": []any{object{"endpoint": object{"address": address}}}}},
		},
	}
	if tls != nil {
		made["transport_socket"] = object{"name": "envoy.transport_sockets.tls", "typed_config": tls}
	}
	return made
}

func istiodTLS() object {
	secret := func(name string) object {
		return object{"name": name, "sds_config": object{
			"resource_api_version": "V3", "initial_fetch_timeout": "0s",
			"api_config_source": object{
				"api_type": "GRPC", "transport_api_version": "V3", "set_node_on_first_message_only": true,
				"grpc_services": []any{object{"envoy_grpc": object{"cluster_name": "sds-grpc"}}},
			},
		}}
	}
	return object{
		"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
		"sni":   "istiod",
		"common_tls_context": object{
			"alpn_protocols":                     []any{"h2"},
			"tls_certificate_sds_secret_configs": []any{secret("default")},
			"combined_validation_context": object{
				"default_validation_context": object{"match_typed_subject_alt_names": []any{
					object{"san_type": "DNS", "matcher": object{"exact": "istiod"}},
				}},
				"validation_context_sds_secret_config": secret("ROOTCA"),
			},
		},
	}
}

func writeJSON(file string, value any) error {
	text, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}

// protocolNames makes callers' proxies say over mutual TLS that they speak HTTP, by which a server
// tells it on ports that declare no protocol. Istio's build of Envoy has a filter of its own for that,
// which adds names of usual protocols, too; without them the codec goes by what is sent first.
func protocolNames() *unstructured.Unstructured {
	filter := object{
		"name": "lab.protocol-names",
		"typed_config": object{
			"@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
			"on_request_headers": []any{object{
				"object_key":           "envoy.network.application_protocols",
				"format_string":        object{"text_format_source": object{"inline_string": "istio-http/1.1,istio"}},
				"shared_with_upstream": "ONCE",
			}},
		},
	}
	var patches []any
	for _, context := range []string{"SIDECAR_OUTBOUND", "GATEWAY"} {
		patches = append(patches, object{
			"applyTo": "HTTP_FILTER",
			"match": object{"context": context, "listener": object{"filterChain": object{"filter": object{
				"name": "envoy.filters.network.http_connection_manager",
			}}}},
			"patch": object{"operation": "INSERT_FIRST", "value": filter},
		})
	}
	made := &unstructured.Unstructured{Object: object{
		"apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter",
		"spec": object{"configPatches": patches},
	}}
	made.SetName("lab-protocol-names")
	made.SetNamespace("istio-system")
	return made
}
