package pki

import (
	b64 "encoding/base64"
	"encoding/pem"
)

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func base64(data []byte) string { return b64.StdEncoding.EncodeToString(data) }
