package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"
)

// tokens signs JSON Web Tokens for every issuer with one key; a forged one is signed with another
// key under the same name.
type tokens struct {
	key, forged *rsa.PrivateKey
}

const keyName = "lab"

func newTokens() (*tokens, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	forged, err := rsa.GenerateKey(rand.Reader, 2048)
	return &tokens{key, forged}, err
}

// keySet is the key as a JWKS document.
func (t *tokens) keySet() string {
	return fmt.Sprintf(`{"keys":[{"kty":"RSA","kid":%q,"alg":"RS256","use":"sig","n":%q,"e":%q}]}`,
		keyName, encode(t.key.N.Bytes()), encode(big.NewInt(int64(t.key.E)).Bytes()))
}

func encode(content []byte) string { return base64.RawURLEncoding.EncodeToString(content) }

// sign returns the token a request carries.
func (t *tokens) sign(token requestToken) (string, error) {
	claims := object{
		"iss": token.Issuer, "sub": "lab",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	if len(token.Audiences) > 0 {
		claims["aud"] = token.Audiences[0]
	}
	for _, path := range slices.Sorted(maps.Keys(token.Claims)) {
		values := token.Claims[path]
		var value any = values
		if len(values) == 1 {
			value = values[0]
		}
		setClaim(claims, strings.Split(path, "."), value)
	}
	key := t.key
	if !token.Valid {
		key = t.forged
	}
	content, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed := encode([]byte(fmt.Sprintf(`{"alg":"RS256","kid":%q,"typ":"JWT"}`, keyName))) + "." + encode(content)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	return signed + "." + encode(signature), err
}

func setClaim(claims object, path []string, value any) {
	for ; len(path) > 1; path = path[1:] {
		inner, ok := claims[path[0]].(object)
		if !ok {
			inner = object{}
			claims[path[0]] = inner
		}
		claims = inner
	}
	claims[path[0]] = value
}

// serveKeys answers every HTTPS request of the root namespace for a key set: it is the web site of
// every issuer.
func serveKeys(root *netspace, signer *tokens, trust *authority, hosts []string) error {
	listener, err := root.listen("127.0.0.1:443")
	if err != nil {
		return err
	}
	certificate, err := trust.tlsCertificate("", append(hosts, "localhost"))
	if err != nil {
		return err
	}
	server := &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("content-type", "application/json")
			_, _ = w.Write([]byte(signer.keySet()))
		}),
	}
	secure := tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	go func() { _ = server.Serve(secure) }()
	return nil
}
