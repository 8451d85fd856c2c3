// Package buckets is where objects are: folders and files. Who may use the bucket of a group, or the samples, follows from who is in
// the group, and from nothing that is stored with the bucket: so it can't be out of date.
package buckets

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3err"

	"rsparkhub/s3/internal/people"
)

// Samples is the bucket that everybody may read and nobody may change.
const Samples = "samples"

// GroupPrefix begins the names of buckets of groups, and of no others.
const GroupPrefix = "group-"

// Root owns the buckets that are nobody's alone. No person's id has a dot at its beginning.
const Root = ".root"

var (
	read  = []string{"s3:GetObject", "s3:ListBucket", "s3:GetBucketLocation", "s3:GetObjectTagging", "s3:GetObjectAttributes"}
	write = append([]string{
		"s3:PutObject", "s3:DeleteObject", "s3:PutObjectTagging", "s3:DeleteObjectTagging", "s3:AbortMultipartUpload",
		"s3:ListMultipartUploadParts", "s3:ListBucketMultipartUploads",
	}, read...)
)

// Buckets is the gateway's backend.
type Buckets struct {
	*posix.Posix
	people *people.People
}

// Open takes the folder of buckets, which becomes the process's working folder.
func Open(folder string, known *people.People) (*Buckets, error) {
	options := posix.PosixOpts{Concurrency: 512, CopyObjectThreshold: 5 << 30} // S3's own limit of a copy
	options.SetNewDirPerm(0o700)
	below, err := posix.New(folder, meta.XattrMeta{}, options)
	if err != nil {
		return nil, err
	}
	return &Buckets{Posix: below, people: known}, nil
}

// Ensure makes a bucket of an owner, unless there is one, which becomes theirs.
func (b *Buckets) Ensure(name, owner string) error {
	if name == "" || strings.ContainsAny(name, "/\x00") || strings.HasPrefix(name, ".") {
		return errors.New("this can't be the name of a bucket")
	}
	acl, err := json.Marshal(auth.ACL{Owner: owner})
	if err != nil {
		return err
	}
	ctx := context.WithValue(context.Background(), "bucket-owner", auth.Account{Access: owner}) //nolint:staticcheck // its key
	err = b.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket:                    &name,
		ObjectOwnership:           types.ObjectOwnershipBucketOwnerEnforced,
		CreateBucketConfiguration: &types.CreateBucketConfiguration{},
	}, acl)
	if err == nil {
		return nil
	}
	if _, missing := os.Stat(name); missing != nil {
		return err
	}
	return b.ChangeBucketOwner(ctx, name, owner)
}

// Exists tells whether there is a bucket of this name.
func (b *Buckets) Exists(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir() && !strings.ContainsAny(name, "/\x00")
}

// Remove deletes a bucket with all that is in it. There may be none.
func (b *Buckets) Remove(name string) error {
	if name == "" || strings.ContainsAny(name, "/\x00") || strings.HasPrefix(name, ".") {
		return errors.New("this can't be the name of a bucket")
	}
	return os.RemoveAll(name)
}

// GetBucketPolicy returns who may do what in a bucket beside its owner: of a person's bucket what they said themselves.
func (b *Buckets) GetBucketPolicy(ctx context.Context, bucket string) ([]byte, error) {
	switch {
	case bucket == Samples:
		return policy(bucket, b.people.Everybody(), read)
	case strings.HasPrefix(bucket, GroupPrefix):
		return policy(bucket, b.people.MembersOf(bucket), write)
	default:
		return b.Posix.GetBucketPolicy(ctx, bucket)
	}
}

func policy(bucket string, who, what []string) ([]byte, error) {
	if len(who) == 0 {
		return nil, s3err.GetBucketErr(s3err.ErrNoSuchBucketPolicy, bucket)
	}
	return json.Marshal(map[string]any{
		"Version": "2012-10-17",
		"Statement": []any{map[string]any{
			"Effect":    "Allow",
			"Principal": map[string]any{"AWS": who},
			"Action":    what,
			"Resource":  []string{"arn:aws:s3:::" + bucket, "arn:aws:s3:::" + bucket + "/*"},
		}},
	})
}
