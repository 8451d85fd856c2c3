package buckets

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pkg/xattr"
)

// Half-written uploads of the gateway lie here in each bucket.
const unfinished = ".sgwtmp"

const xattrRecord = "SCHILY.xattr."

// Archive writes buckets as a tar, as they are now: each file first gets a second name, and the tar is made of these. An object that
// is written anew meanwhile is a new file, so the second name keeps the old one; each object is in the tar whole or not at all.
func (b *Buckets) Archive(to io.Writer, wanted func(bucket string) bool) error {
	snapshot, err := os.MkdirTemp("..", ".snapshot-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(snapshot)
	if err := link(snapshot, wanted); err != nil {
		return err
	}
	out := tar.NewWriter(to)
	err = filepath.WalkDir(snapshot, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == snapshot {
			return err
		}
		name, err := filepath.Rel(snapshot, path)
		if err != nil {
			return err
		}
		return add(out, name, path)
	})
	if err != nil {
		return err
	}
	return out.Close()
}

func link(snapshot string, wanted func(string) bool) error {
	return filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // deleted since its folder was read
			return nil
		}
		if err != nil || path == "." {
			return err
		}
		if bucket, _, _ := strings.Cut(path, "/"); !wanted(bucket) || strings.HasPrefix(bucket, ".") || entry.Name() == unfinished {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		second := filepath.Join(snapshot, path)
		if !entry.IsDir() {
			if err := os.Link(path, second); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		}
		if err := os.Mkdir(second, 0o700); err != nil {
			return err
		}
		return copyAttributes(path, second)
	})
}

func copyAttributes(from, to string) error {
	attributes, err := userAttributes(from)
	if err != nil {
		return err
	}
	for name, value := range attributes {
		if err := xattr.Set(to, name, value); err != nil {
			return err
		}
	}
	return nil
}

// userAttributes returns what the gateway has stored of a bucket or an object beside its content.
func userAttributes(path string) (map[string][]byte, error) {
	names, err := xattr.List(path)
	if err != nil {
		return nil, err
	}
	found := map[string][]byte{}
	for _, name := range names {
		if !strings.HasPrefix(name, "user.") {
			continue
		}
		if found[name], err = xattr.Get(path, name); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func add(out *tar.Writer, name, path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	header, err := tar.FileInfoHeader(info, "")
	if err != nil {
		return err
	}
	header.Name, header.Format = name, tar.FormatPAX
	header.Uid, header.Gid, header.Uname, header.Gname = 0, 0, "", ""
	attributes, err := userAttributes(path)
	if err != nil {
		return err
	}
	header.PAXRecords = map[string]string{}
	for attribute, value := range attributes {
		header.PAXRecords[xattrRecord+attribute] = string(value)
	}
	if info.IsDir() {
		header.Name += "/"
	}
	if err := out.WriteHeader(header); err != nil || !info.Mode().IsRegular() {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(out, file)
	return err
}

// Restore makes the buckets what an archive has, and no others but the samples. The archive is read to its end before any is
// touched, so that one that is damaged changes nothing.
func (b *Buckets) Restore(from io.Reader) error {
	fresh, err := os.MkdirTemp("..", ".restored-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	if err := unpack(from, fresh); err != nil {
		return err
	}
	now, err := os.ReadDir(".")
	if err != nil {
		return err
	}
	for _, bucket := range now {
		if bucket.Name() == Samples || strings.HasPrefix(bucket.Name(), ".") {
			continue
		}
		if err := os.RemoveAll(bucket.Name()); err != nil {
			return err
		}
	}
	restored, err := os.ReadDir(fresh)
	if err != nil {
		return err
	}
	for _, bucket := range restored {
		if err := os.Rename(filepath.Join(fresh, bucket.Name()), bucket.Name()); err != nil {
			return err
		}
	}
	return nil
}

func unpack(from io.Reader, folder string) error {
	root, err := os.OpenRoot(folder) // no name in an archive leads out of it
	if err != nil {
		return err
	}
	defer root.Close()
	in := tar.NewReader(from)
	for {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := filepath.Clean(header.Name)
		if name == Samples || strings.HasPrefix(name, Samples+"/") {
			continue
		}
		switch header.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(name, 0o700)
		case tar.TypeReg:
			err = writeFile(root, name, in)
		default:
			continue
		}
		if err != nil {
			return err
		}
		for record, value := range header.PAXRecords {
			attribute, is := strings.CutPrefix(record, xattrRecord)
			if !is || !strings.HasPrefix(attribute, "user.") {
				continue
			}
			if err := xattr.LSet(filepath.Join(folder, name), attribute, []byte(value)); err != nil {
				return err
			}
		}
	}
}

func writeFile(root *os.Root, name string, from io.Reader) error {
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, from); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
