package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// seen is what an application saw of a request, and who it is. It answers with it.
type seen struct {
	Pod     string            `json:"pod"`
	Port    int               `json:"port"`
	Method  string            `json:"method,omitempty"`
	Host    string            `json:"host,omitempty"`
	Path    string            `json:"path,omitempty"`
	Query   string            `json:"query,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Peer    string            `json:"peer"`
	SNI     string            `json:"sni,omitempty"` // of TLS that ended here
}

// Headers by which the client and the application speak to one another.
const (
	podHeader   = "x-lab-pod"   // of a response: who answered
	delayHeader = "x-lab-delay" // of a request: answer that late
	failHeader  = "x-lab-fail"  // of a request: answer with that status
)

// application is what runs in a pod. It answers HTTP/1.1, HTTP/2, gRPC and bare TCP on every port, all
// of them in TLS of its own, too.
type application struct {
	id     string
	secure *tls.Config

	mutex       sync.Mutex
	listeners   []net.Listener
	connections map[net.Conn]bool
	stopped     bool
}

// startApplication listens in the namespace on every port, with certificates of the lab for every name.
func startApplication(id string, space *netspace, ports []int, trust *authority) (*application, error) {
	app := &application{id: id, connections: map[net.Conn]bool{}, secure: &tls.Config{
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			certificate, err := trust.tlsCertificate("", []string{hello.ServerName})
			return &certificate, err
		},
	}}
	for _, port := range ports {
		listener, err := space.listen("0.0.0.0:" + strconv.Itoa(port))
		if err != nil {
			return nil, errors.Join(err, app.stop())
		}
		app.serve(listener, port)
	}
	return app, nil
}

func (a *application) serve(listener net.Listener, port int) {
	a.listeners = append(a.listeners, listener)
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	web := &http.Server{Handler: a.handler(port), Protocols: protocols, ReadHeaderTimeout: time.Minute}
	accepted := &handedOver{address: listener.Addr(), queue: make(chan net.Conn)}
	go func() { _ = web.Serve(accepted) }()
	go func() {
		defer close(accepted.queue)
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			if a.keep(connection) {
				go a.welcome(connection, accepted, port)
			}
		}
	}()
}

func (a *application) keep(connection net.Conn) bool {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.stopped {
		_ = connection.Close()
		return false
	}
	a.connections[connection] = true
	return true
}

// stop refuses all further connections and ends those that are open, as a killed process does.
func (a *application) stop() error {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.stopped = true
	var err error
	for _, listener := range a.listeners {
		err = errors.Join(err, listener.Close())
	}
	for connection := range a.connections {
		_ = connection.Close()
	}
	return err
}

// tcpHello is what the client says first on a bare connection.
const tcpHello = "\x00lab\n"

// tlsHello is what TLS begins with: the type of a record of a handshake.
const tlsHello = 0x16

// welcome looks at the first byte: HTTP begins with a letter.
func (a *application) welcome(connection net.Conn, web *handedOver, port int) {
	reader := bufio.NewReader(connection)
	first, err := reader.Peek(1)
	if err != nil {
		_ = connection.Close()
		return
	}
	if first[0] == tlsHello {
		a.welcome(tls.Server(&peeked{connection, reader}, a.secure), web, port)
		return
	}
	if first[0] != tcpHello[0] {
		defer func() { _ = recover() }() // the server ended in between
		web.queue <- &peeked{connection, reader}
		return
	}
	defer connection.Close()
	if _, err := reader.ReadString('\n'); err == nil {
		report := seen{Pod: a.id, Port: port, Peer: peerOf(connection)}
		if secure, ok := connection.(*tls.Conn); ok {
			report.SNI = secure.ConnectionState().ServerName
		}
		_ = json.NewEncoder(connection).Encode(report)
	}
}

func peerOf(connection net.Conn) string {
	host, _, _ := net.SplitHostPort(connection.RemoteAddr().String())
	return host
}

func (a *application) handler(port int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if delay, err := time.ParseDuration(r.Header.Get(delayHeader)); err == nil {
			select {
			case <-time.After(delay):
			case <-r.Context().Done():
				return
			}
		}
		_, _ = io.Copy(io.Discard, r.Body)
		report := seen{
			Pod: a.id, Port: port, Method: r.Method, Host: r.Host, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery,
			Headers: map[string]string{}, Peer: r.RemoteAddr,
		}
		for name, values := range r.Header {
			report.Headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
		text, _ := json.Marshal(report)
		text = append(text, '\n') // a person's prompt begins a new line
		w.Header().Set(podHeader, a.id)
		if strings.HasPrefix(r.Header.Get("content-type"), "application/grpc") {
			answerGRPC(w, text)
			return
		}
		status, err := strconv.Atoi(r.Header.Get(failHeader))
		if err != nil {
			status = http.StatusOK
		}
		w.WriteHeader(status)
		_, _ = w.Write(text)
	})
}

// answerGRPC answers a unary call with one message. It is no protobuf: nobody here reads it as such.
func answerGRPC(w http.ResponseWriter, text []byte) {
	w.Header().Set("content-type", "application/grpc")
	w.Header().Set("trailer", "grpc-status")
	w.WriteHeader(http.StatusOK)
	length := len(text)
	_, _ = w.Write([]byte{0, byte(length >> 24), byte(length >> 16), byte(length >> 8), byte(length)})
	_, _ = w.Write(text)
	w.Header().Set("grpc-status", "0")
}

// peeked is a connection of which a reader has taken the beginning already.
type peeked struct {
	net.Conn
	reader *bufio.Reader
}

func (p *peeked) Read(into []byte) (int, error) { return p.reader.Read(into) }

// handedOver is a listener whose connections are accepted elsewhere.
type handedOver struct {
	address net.Addr
	queue   chan net.Conn
}

func (h *handedOver) Accept() (net.Conn, error) {
	connection, open := <-h.queue
	if !open {
		return nil, net.ErrClosed
	}
	return connection, nil
}
func (h *handedOver) Close() error   { return nil }
func (h *handedOver) Addr() net.Addr { return h.address }
