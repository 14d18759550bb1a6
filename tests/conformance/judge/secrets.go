package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// fillSecret gives a TLS Secret without content a key pair of its own. Dumps name Secrets and leave
// their content out, which must not look like a broken credential.
func fillSecret(object *unstructured.Unstructured) error {
	kind, _, _ := unstructured.NestedString(object.Object, "type")
	_, filled, _ := unstructured.NestedMap(object.Object, "data")
	if object.GetKind() != "Secret" || kind != "kubernetes.io/tls" || filled {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: object.GetName()},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	encode := func(kind string, content []byte) string {
		block := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
		return base64.StdEncoding.EncodeToString(block)
	}
	return unstructured.SetNestedStringMap(object.Object, map[string]string{
		"tls.crt": encode("CERTIFICATE", certificate),
		"tls.key": encode("EC PRIVATE KEY", private),
	}, "data")
}
