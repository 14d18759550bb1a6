package main

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	secret "github.com/envoyproxy/go-control-plane/envoy/service/secret/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/anypb"
)

// sds is the secret discovery service of one identity, as Istio's agent is for a proxy: `default` is
// the workload's certificate, `ROOTCA` what it trusts.
// envoy.service.secret.v3.SecretDiscoveryService, state of the world.
type sds struct {
	secret.UnimplementedSecretDiscoveryServiceServer
	authority *authority
	identity  string
	life      time.Duration // of a certificate; renewed at half of it

	mutex  sync.Mutex
	issued int // certificates so far
}

const secretType = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"

// serve answers on a unix socket until the returned function is called.
func (s *sds) serve(socket string) (stop func(), err error) {
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(socket, 0o777); err != nil { // the proxy is another user
		return nil, errors.Join(err, listener.Close())
	}
	server := grpc.NewServer()
	secret.RegisterSecretDiscoveryServiceServer(server, s)
	go func() { _ = server.Serve(listener) }()
	return server.Stop, nil
}

// certificates is how many certificates were handed out.
func (s *sds) certificates() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.issued
}

func (s *sds) make(name string) (*tlsv3.Secret, error) {
	switch name {
	case "default":
		pair, err := s.authority.issue(s.identity, nil, s.life)
		if err != nil {
			return nil, err
		}
		s.mutex.Lock()
		s.issued++
		s.mutex.Unlock()
		certificate := &tlsv3.TlsCertificate{
			CertificateChain: inline(pair.chain), PrivateKey: inline(pair.key),
		}
		return &tlsv3.Secret{Name: name, Type: &tlsv3.Secret_TlsCertificate{TlsCertificate: certificate}}, nil
	case "ROOTCA":
		trusted := &tlsv3.CertificateValidationContext{TrustedCa: inline(s.authority.rootPEM)}
		return &tlsv3.Secret{Name: name, Type: &tlsv3.Secret_ValidationContext{ValidationContext: trusted}}, nil
	}
	return nil, errors.New("no such secret: " + name)
}

func inline(content []byte) *core.DataSource {
	return &core.DataSource{Specifier: &core.DataSource_InlineBytes{InlineBytes: content}}
}

func (s *sds) respond(names []string, version int) (*discovery.DiscoveryResponse, error) {
	response := &discovery.DiscoveryResponse{
		TypeUrl: secretType, VersionInfo: strconv.Itoa(version), Nonce: strconv.Itoa(version),
	}
	for _, name := range names {
		made, err := s.make(name)
		if err != nil {
			return nil, err
		}
		packed, err := anypb.New(made)
		if err != nil {
			return nil, err
		}
		response.Resources = append(response.Resources, packed)
	}
	return response, nil
}

// StreamSecrets answers what is asked for, and again when half of the certificate's life is over.
func (s *sds) StreamSecrets(stream secret.SecretDiscoveryService_StreamSecretsServer) error {
	requests := make(chan *discovery.DiscoveryRequest)
	go func() {
		defer close(requests)
		for {
			request, err := stream.Recv()
			if err != nil {
				return
			}
			select {
			case requests <- request:
			case <-stream.Context().Done():
				return
			}
		}
	}()
	rotation := time.NewTicker(s.life / 2)
	defer rotation.Stop()
	var names []string
	for version := 1; ; {
		select {
		case request, open := <-requests:
			if !open {
				return nil
			}
			acknowledged := request.GetResponseNonce() != "" && slices.Equal(names, request.GetResourceNames())
			if acknowledged || request.GetErrorDetail() != nil {
				continue
			}
			names = request.GetResourceNames()
		case <-rotation.C:
		}
		if len(names) == 0 {
			continue
		}
		response, err := s.respond(names, version)
		if err != nil {
			return err
		}
		if err := stream.Send(response); err != nil {
			return err
		}
		version++
	}
}

// FetchSecrets answers once.
func (s *sds) FetchSecrets(_ context.Context, request *discovery.DiscoveryRequest) (*discovery.DiscoveryResponse, error) {
	return s.respond(request.GetResourceNames(), 1)
}
