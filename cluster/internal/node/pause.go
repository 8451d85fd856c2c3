package node

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"

	"rsparkhub/cluster/internal/place"
)

// importPause puts our `pause` into containerd, as an image of one file: it holds a pod's namespaces and ends on SIGTERM.
func importPause(n place.Node) error {
	program, err := os.ReadFile(n.Bin("pause"))
	if err != nil {
		return err
	}
	layer := archive(map[string][]byte{"pause": program})
	config, err := json.Marshal(map[string]any{
		"architecture": "amd64", "os": "linux", "config": map[string]any{"Entrypoint": []string{"/pause"}, "User": "65535"},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{fmt.Sprintf("sha256:%x", sha256.Sum256(layer))}},
	})
	if err != nil {
		return err
	}
	manifest, err := json.Marshal([]map[string]any{{
		"Config": "config.json", "RepoTags": []string{pauseImage}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		return err
	}
	file := n.File("pause.tar")
	image := archive(map[string][]byte{"config.json": config, "layer.tar": layer, "manifest.json": manifest})
	if err := os.WriteFile(file, image, 0o600); err != nil {
		return err
	}
	return tell("ctr", "--address", n.Socket(), "--namespace", "k8s.io", "image", "import", file)
}

func archive(files map[string][]byte) []byte {
	var buffer bytes.Buffer
	writer := tar.NewWriter(&buffer)
	for name, data := range files {
		// Writing into memory does not fail, and neither do headers as plain as these.
		_ = writer.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(data))})
		_, _ = writer.Write(data)
	}
	_ = writer.Close()
	return buffer.Bytes()
}
