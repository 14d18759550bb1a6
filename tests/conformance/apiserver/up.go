package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"istio.io/istio/manifests"
)

// startsWithin bounds how long the API server may take until it is ready, on a busy machine.
const startsWithin = 2 * time.Minute

// plane is one API server with its etcd.
type plane struct {
	dir, apiserver, etcd          string
	port, etcdPort, etcdPeersPort int
}

// up runs both until it is told to end. An API server that dies is started again on the same port, as
// its kubelet would do.
func up(args []string) error {
	p := plane{}
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	flags.StringVar(&p.dir, "dir", "", "folder of everything it writes")
	flags.StringVar(&p.apiserver, "kube-apiserver", "", "program")
	flags.StringVar(&p.etcd, "etcd", "", "program")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if p.dir == "" || p.apiserver == "" || p.etcd == "" {
		return errUsage
	}
	for _, port := range []*int{&p.port, &p.etcdPort, &p.etcdPeersPort} {
		free, err := freePort()
		if err != nil {
			return err
		}
		*port = free
	}
	if err := p.writeFiles(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	etcd, err := p.start("etcd", p.etcdCommand())
	if err != nil {
		return err
	}
	defer end(etcd)
	return p.keepAPIServer(ctx)
}

func (p *plane) keepAPIServer(ctx context.Context) error {
	for first := true; ; first = false {
		server, err := p.start("apiserver", p.apiserverCommand())
		if err != nil {
			return err
		}
		died := make(chan error, 1)
		go func() { died <- server.Wait() }()
		if first {
			if err := p.prepare(ctx, died); err != nil {
				end(server)
				return err
			}
		}
		select {
		case <-ctx.Done():
			end(server)
			<-died
			return nil
		case <-died:
		}
	}
}

// prepare waits for the API server, installs Istio's kinds, and says so by a file.
func (p *plane) prepare(ctx context.Context, died <-chan error) error {
	c, err := connect(p.dir)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(startsWithin)
	for {
		select {
		case err := <-died:
			return fmt.Errorf("the API server ended before it was ready (%s): %w", filepath.Join(p.dir, "apiserver.log"), err)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
		if _, err = c.do("GET", "/readyz", "", nil); err == nil {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the API server is not ready: %w", err)
		}
	}
	kinds, err := manifests.FS.ReadFile("charts/base/files/crd-all.gen.yaml")
	if err != nil {
		return err
	}
	if err := c.applyAll(bytes.NewReader(kinds)); err != nil {
		return err
	}
	for _, path := range kindPaths(kinds) {
		for {
			if _, err = c.do("GET", path, "", nil); err == nil {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("%s is not served: %w", path, err)
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	return os.WriteFile(filepath.Join(p.dir, "ready"), nil, 0o644)
}

func (p *plane) etcdCommand() *exec.Cmd {
	client := fmt.Sprintf("http://127.0.0.1:%d", p.etcdPort)
	peer := fmt.Sprintf("http://127.0.0.1:%d", p.etcdPeersPort)
	return exec.Command(p.etcd, "--data-dir", filepath.Join(p.dir, "etcd"),
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer,
		"--unsafe-no-fsync", "--log-level", "warn")
}

func (p *plane) apiserverCommand() *exec.Cmd {
	file := func(name string) string { return filepath.Join(p.dir, name) }
	return exec.Command(p.apiserver,
		fmt.Sprintf("--etcd-servers=http://127.0.0.1:%d", p.etcdPort),
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port="+strconv.Itoa(p.port),
		"--tls-cert-file="+file("server.crt"), "--tls-private-key-file="+file("server.key"),
		"--client-ca-file="+file("ca.crt"), "--authorization-mode=RBAC",
		"--service-account-issuer=https://"+serverName,
		"--service-account-key-file="+file("accounts.key"), "--service-account-signing-key-file="+file("accounts.key"),
		"--service-cluster-ip-range=10.96.0.0/16", "--endpoint-reconciler-type=none",
		"--shutdown-watch-termination-grace-period=1s",
		// Nobody makes the default service accounts it would ask for.
		"--disable-admission-plugins=ServiceAccount")
}

// start runs a program with its output in DIR/NAME.log and its process id in DIR/NAME.pid. It ends with
// this process.
func (p *plane) start(name string, command *exec.Cmd) (*exec.Cmd, error) {
	log, err := os.OpenFile(filepath.Join(p.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		return nil, err
	}
	return command, os.WriteFile(filepath.Join(p.dir, name+".pid"), fmt.Appendf(nil, "%d\n", command.Process.Pid), 0o644)
}

func end(command *exec.Cmd) {
	if err := command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		fmt.Fprintln(os.Stderr, "apiserver:", err)
	}
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// writeFiles writes keys and two kubeconfigs: the administrator's with a client certificate, the agent's
// with a token out of the file agent.token, which is the test's to write.
func (p *plane) writeFiles() error {
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return err
	}
	issued, err := makeKeys()
	if err != nil {
		return err
	}
	for _, user := range []string{"admin", "agent"} {
		issued[user+".kubeconfig"] = p.kubeconfig(user)
	}
	for name, text := range issued {
		if err := os.WriteFile(filepath.Join(p.dir, name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (p *plane) kubeconfig(user string) []byte {
	identity := "{tokenFile: agent.token}"
	if user == "admin" {
		identity = "{client-certificate: admin.crt, client-key: admin.key}"
	}
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
current-context: test
contexts:
- {name: test, context: {cluster: test, user: %[1]s}}
clusters:
- {name: test, cluster: {server: "https://127.0.0.1:%[2]d", tls-server-name: %[3]s, certificate-authority: ca.crt}}
users:
- {name: %[1]s, user: %[4]s}
`, user, p.port, serverName, identity)
}
