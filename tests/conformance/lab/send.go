package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
)

// observation is what came back of a request.
type observation struct {
	broken  string // no answer: why the connection ended
	status  int    // of HTTP; that of gRPC is translated back
	headers http.Header
	body    string
	pod     string // who answered; "" when a proxy did
	seen    *seen  // what the one who answered had seen
	elapsed time.Duration

	bodiless bool // an answer to HEAD
}

// text is for people.
func (o observation) text() string {
	switch {
	case o.broken != "":
		return "connection broken"
	case o.pod != "" && o.status != http.StatusOK:
		return fmt.Sprintf("status %d of %s", o.status, o.pod)
	case o.pod != "":
		return "served by " + o.pod
	case o.headers.Get("location") != "":
		return fmt.Sprintf("%d to %s", o.status, o.headers.Get("location"))
	}
	words := strings.TrimSpace(o.body)
	if len(words) > 40 {
		words = words[:40] + "…"
	}
	if words != "" {
		words = " " + words
	}
	return fmt.Sprintf("status %d%s", o.status, words)
}

// errUnsendable marks requests that nobody here can send.
var errUnsendable = errors.New("cannot be sent")

// path is the way of one request: from where, to which address, in which clothes.
type path struct {
	dialer
	to  netip.AddrPort
	tls *tls.Config // nil: clear text
}

const requestTimeout = 15 * time.Second

// send sends a request as its caller would and tells what happened.
func (m *mesh) send(ctx context.Context, t trial) (observation, error) {
	way, err := m.pathOf(t)
	if err != nil {
		return observation{}, err
	}
	patience := requestTimeout
	if limit := t.Result.TimeoutMS; limit != nil {
		patience += time.Duration(*limit) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	begin := time.Now()
	var seenHere observation
	if t.Request.Layer == "http" {
		seenHere, err = m.exchange(ctx, way, t.Request)
	} else {
		seenHere, err = greet(ctx, way)
	}
	seenHere.elapsed = time.Since(begin)
	return seenHere, err
}

// ---- the way

func (m *mesh) pathOf(t trial) (path, error) {
	r := t.Request
	here := m.cluster(r.Cluster)
	if here == nil {
		return path{}, fmt.Errorf("%w: there is no cluster %q", errUnsendable, r.Cluster)
	}
	if r.Gateway != nil {
		return m.throughGateway(here, r)
	}
	source := m.source(here, r)
	if r.Source != nil && source == nil {
		return path{}, fmt.Errorf("%w: %s/%s does not run", errUnsendable, r.Source.Namespace, r.Source.Workload)
	}
	proxied := source != nil && source.proxied && !source.gateway
	if proxied && !r.Plaintext && !r.Direct && r.Identity == "" && r.RemoteIP == "" && source.has(r.SourceIP) {
		address, err := m.lookUp(here, r)
		return path{dialer: dialer{from: source.space}, to: address}, err
	}
	return m.pastProxy(here, source, t)
}

func (m *mesh) source(here *cluster, r request) *pod {
	for _, p := range here.pods {
		if r.Source != nil && p.ns == r.Source.Namespace && p.workload == r.Source.Workload {
			return p
		}
	}
	return nil
}

// anyAddress is what requests have whose address nobody states (engine/request.h).
const anyAddress = "10.0.0.1"

// has tells whether a connection of the pod comes from the address.
func (p *pod) has(address string) bool {
	return address == "" || address == anyAddress || address == p.address.String()
}

// fromOutside is a dialer with the address the request says it comes from.
func (m *mesh) fromOutside(r request) (dialer, error) {
	from := dialer{from: m.network.outside}
	address, err := netip.ParseAddr(r.SourceIP)
	switch {
	case err != nil:
		return from, nil
	case !address.Is4():
		return from, fmt.Errorf("%w: the lab's networks speak IPv4", errUnsendable)
	case address.IsLoopback():
		return from, fmt.Errorf("%w: nothing comes from a loopback address over a cable", errUnsendable)
	}
	for _, p := range m.pods() {
		if p.address == address {
			return from, fmt.Errorf("%w: %s is the address of a pod", errUnsendable, address)
		}
	}
	from.local = address
	return from, m.network.assumeOutside(address)
}

// throughGateway leads from outside to the balancer of the gateway, or to its pod.
func (m *mesh) throughGateway(here *cluster, r request) (path, error) {
	var selector map[string]string
	for _, found := range slices.Concat(m.emitted[here.name], here.objects) {
		if found.GetKind() == "Gateway" && found.GetName() == r.Gateway.Name && found.GetNamespace() == r.Gateway.Namespace {
			selector, _, _ = unstructured.NestedStringMap(found.Object, "spec", "selector")
		}
	}
	if selector == nil {
		return path{}, fmt.Errorf("%w: no Gateway %s/%s in %s", errUnsendable, r.Gateway.Namespace, r.Gateway.Name, here.name)
	}
	from, err := m.fromOutside(r)
	if err != nil {
		return path{}, err
	}
	way := path{dialer: from}
	for _, p := range here.pods {
		if labels.SelectorFromSet(selector).Matches(labels.Set(p.labels)) {
			way.to = netip.AddrPortFrom(p.address, uint16(r.Port))
		}
	}
	if balancer, ok := here.balancerOf(way.to.Addr(), r.Port); ok {
		way.to = balancer
	}
	if !way.to.IsValid() {
		return path{}, fmt.Errorf("%w: gateway %s has no pod", errUnsendable, r.Gateway.Name)
	}
	if r.TLS {
		way.tls = &tls.Config{ServerName: r.SNI, InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}
		if r.Identity != "" {
			certificate, err := m.trust.tlsCertificate(r.Identity, nil)
			if err != nil {
				return path{}, err
			}
			way.tls.Certificates = []tls.Certificate{certificate}
		}
	}
	return way, nil
}

// balancerOf is the outer address of the service that has the port and leads to the pod.
func (c *cluster) balancerOf(address netip.Addr, port int) (netip.AddrPort, bool) {
	for _, s := range c.services {
		leads := slices.ContainsFunc(s.pods, func(p *pod) bool { return p.address == address })
		offers := slices.ContainsFunc(s.ports, func(p servicePort) bool { return p.number == port })
		if leads && offers && len(s.balancers) > 0 {
			return netip.AddrPortFrom(s.balancers[0], uint16(port)), true
		}
	}
	return netip.AddrPort{}, false
}

// nowhere is an address nobody has: that of a name nobody knows.
var nowhere = netip.MustParseAddr("192.0.2.1")

// lookUp is what the name of the host means to a client in the cluster.
func (m *mesh) lookUp(here *cluster, r request) (netip.AddrPort, error) {
	at := func(address netip.Addr) netip.AddrPort { return netip.AddrPortFrom(address, uint16(r.Port)) }
	if r.Address != nil && r.Address.Kind == "service" {
		for _, s := range here.services {
			if s.ns != r.Address.Namespace || s.name != r.Address.Name {
				continue
			}
			if s.address.IsValid() {
				return at(s.address), nil
			}
			if len(s.pods) > 0 {
				return at(s.pods[0].address), nil
			}
		}
	}
	if address, ok := m.network.hosts[r.Host]; ok {
		return at(address), nil
	}
	return at(nowhere), nil
}

// pastProxy leads straight to a server's pod, as a caller does that no proxy binds, or one whose
// address the test states: with the certificate of its identity, or in clear text.
func (m *mesh) pastProxy(here *cluster, source *pod, t trial) (path, error) {
	r := t.Request
	var way path
	if source != nil && source.has(r.SourceIP) {
		way.dialer = dialer{from: source.space, around: source.proxied && !source.gateway}
	} else {
		from, err := m.fromOutside(r)
		if err != nil {
			return way, err
		}
		way.dialer = from
	}
	target, port, err := m.serverOf(here, t)
	if err != nil {
		return way, err
	}
	way.to = netip.AddrPortFrom(target.address, uint16(port))
	identity := r.Identity
	if identity == "" && source != nil && source.proxied {
		identity = source.identity()
	}
	if identity == "" || r.Plaintext || !target.proxied {
		return way, nil
	}
	certificate, err := m.trust.tlsCertificate(identity, nil)
	if err != nil {
		return way, err
	}
	protocols := []string{"istio-peer-exchange", "istio"}
	switch {
	case r.http2():
		protocols = []string{"istio-h2", "istio", "h2"}
	case r.Layer == "http":
		protocols = []string{"istio-http/1.1", "istio", "http/1.1"}
	}
	way.tls = &tls.Config{
		ServerName:         fmt.Sprintf("outbound_.%d_._.%s", r.Port, r.Host),
		InsecureSkipVerify: true, // the server is asked about the caller, not the other way round
		NextProtos:         protocols,
		Certificates:       []tls.Certificate{certificate},
	}
	return way, nil
}

// serverOf is a pod behind the request's host, and its port.
func (m *mesh) serverOf(here *cluster, t trial) (*pod, int, error) {
	r := t.Request
	ns, name := "", ""
	if r.Address != nil && r.Address.Kind == "service" {
		ns, name = r.Address.Namespace, r.Address.Name
	}
	for _, branch := range t.Result.Branches {
		if name == "" && len(branch.Tiers) > 0 {
			first := branch.Tiers[0][0]
			ns, name, here = first.Namespace, first.Service, m.cluster(first.Cluster)
		}
	}
	for _, s := range here.services {
		if s.ns != ns || s.name != name || len(s.pods) == 0 {
			continue
		}
		for _, port := range s.ports {
			if port.number == r.Port {
				return s.pods[0], port.target(s.pods[0]), nil
			}
		}
	}
	return nil, 0, fmt.Errorf("%w: nothing serves %s:%d in %s", errUnsendable, r.Host, r.Port, here.name)
}

// ---- the exchange

func (r request) http2() bool {
	return r.Address != nil && (r.Address.Protocol == "grpc" || r.Address.Protocol == "http2")
}

func (r request) grpc() bool { return r.Address != nil && r.Address.Protocol == "grpc" }

func (p path) connect(ctx context.Context) (net.Conn, error) {
	connection, err := p.dial(ctx, p.to)
	if err != nil || p.tls == nil {
		return connection, err
	}
	secure := tls.Client(connection, p.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, connection.Close())
	}
	return secure, nil
}

func (m *mesh) exchange(ctx context.Context, way path, r request) (observation, error) {
	outgoing, err := m.httpRequest(ctx, r)
	if err != nil {
		return observation{}, err
	}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(!r.http2())
	protocols.SetUnencryptedHTTP2(r.http2())
	transport := &http.Transport{
		DisableKeepAlives: true, DisableCompression: true, Protocols: protocols,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return way.connect(ctx) },
	}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(outgoing)
	if err != nil {
		return observation{broken: err.Error()}, nil
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil && !r.grpc() {
		return observation{broken: err.Error()}, nil
	}
	answer := observe(response, content)
	answer.bodiless = r.Method == http.MethodHead
	return answer, nil
}

func observe(response *http.Response, content []byte) observation {
	answer := observation{
		status: response.StatusCode, headers: response.Header, body: string(content),
		pod: response.Header.Get(podHeader),
	}
	if status := cmpOr(response.Header.Get("grpc-status"), response.Trailer.Get("grpc-status")); status != "" {
		answer.status = httpStatus(status)
		if message := response.Header.Get("grpc-message"); message != "" {
			answer.body, _ = url.PathUnescape(message)
		}
		content = content[min(5, len(content)):] // the frame of the message
	}
	report := &seen{}
	if answer.pod != "" && json.Unmarshal(content, report) == nil {
		answer.seen = report
	}
	return answer
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// httpStatus turns the status of a gRPC call back into the one a proxy meant: Envoy's own mapping
// (source/common/grpc/status.cc), read from right to left.
func httpStatus(text string) int {
	switch text {
	case "0":
		return http.StatusOK
	case "7":
		return http.StatusForbidden
	case "12":
		return http.StatusNotFound
	case "14":
		return http.StatusServiceUnavailable
	case "16":
		return http.StatusUnauthorized
	}
	return http.StatusInternalServerError
}

func (m *mesh) httpRequest(ctx context.Context, r request) (*http.Request, error) {
	query := url.Values{}
	for name, value := range r.Query {
		query.Set(name, value)
	}
	headers := http.Header{}
	for name, value := range r.Headers {
		headers.Set(name, value)
	}
	if r.RemoteIP != "" {
		headers.Set("x-forwarded-for", r.RemoteIP)
	}
	for _, token := range r.Tokens {
		if err := m.attach(token, headers, query); err != nil {
			return nil, err
		}
	}
	target := &url.URL{Scheme: "http", Host: r.Host, Opaque: r.Path, RawQuery: query.Encode()}
	if strings.HasPrefix(r.Path, "//") {
		target.Opaque, target.Path = "", r.Path
	}
	var body io.Reader
	if r.grpc() {
		headers.Set("content-type", "application/grpc")
		headers.Set("te", "trailers")
		body = strings.NewReader("\x00\x00\x00\x00\x00")
	}
	outgoing, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://lab/", body)
	if err != nil {
		return nil, err
	}
	outgoing.Method, outgoing.URL, outgoing.Header, outgoing.Host = r.Method, target, headers, r.Host
	if r.Port != 80 && r.Port != 443 {
		outgoing.Host = net.JoinHostPort(r.Host, strconv.Itoa(r.Port))
	}
	return outgoing, nil
}

// attach puts a token where its provider looks for it.
func (m *mesh) attach(token requestToken, headers http.Header, query url.Values) error {
	signed, err := m.signer.sign(token)
	if err != nil {
		return err
	}
	if len(token.Locations) == 0 {
		headers.Set("authorization", "Bearer "+signed)
		return nil
	}
	switch place := token.Locations[0]; place.In {
	case "header":
		headers.Set(place.Name, place.Prefix+signed)
	case "query":
		query.Set(place.Name, signed)
	case "cookie":
		headers.Add("cookie", place.Name+"="+signed)
	}
	return nil
}

// greet is a conversation without HTTP.
func greet(ctx context.Context, way path) (observation, error) {
	connection, err := way.connect(ctx)
	if err != nil {
		return observation{broken: err.Error()}, nil
	}
	defer connection.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = connection.SetDeadline(deadline)
	}
	if _, err := io.WriteString(connection, tcpHello); err != nil {
		return observation{broken: err.Error()}, nil
	}
	line, err := bufio.NewReader(connection).ReadString('\n')
	if err != nil {
		return observation{broken: err.Error()}, nil
	}
	report := &seen{}
	if err := json.Unmarshal([]byte(line), report); err != nil {
		return observation{broken: "not the lab's application: " + line}, nil
	}
	return observation{status: http.StatusOK, headers: http.Header{}, pod: report.Pod, seen: report}, nil
}

// sortedKeys is for output that does not change from run to run.
func sortedKeys[T any](of map[string]T) []string { return slices.Sorted(maps.Keys(of)) }
