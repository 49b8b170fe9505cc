// minio-go, unmodified, on the server: minio ENDPOINT BUCKET SHARED. Bodies go in signed chunks, over plain HTTP, with and without
// trailers; then links, forms, versions and object lock as its users have them. Prints NAME TAB VALUE; the expected values
// are in test_s3_sdks.py. Keys: OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/lifecycle"
	"github.com/minio/minio-go/v7/pkg/tags"

	. "coatcheck.test/s3/facts"
)

const key = "dir one/k+1 ü"

var (
	ctx        = context.Background()
	bucket     string
	client     *minio.Client
	core       minio.Core
	operations = counted{}
	large      = bytes.Repeat([]byte("coat check "), 1024*1024)
)

// counted passes requests on, and remembers by method, level and sub-resource what was called.
type counted map[string]bool

func (c counted) RoundTrip(request *http.Request) (*http.Response, error) {
	var subResources []string
	for name, values := range request.URL.Query() {
		if values[0] == "" || name == "uploadId" || name == "list-type" {
			subResources = append(subResources, name)
		}
	}
	sort.Strings(subResources)
	level := min(strings.Count(strings.Trim(request.URL.Path, "/"), "/"), 1)
	c[fmt.Sprint(request.Method, level, subResources, request.Header.Get("X-Amz-Copy-Source") != "")] = true
	return http.DefaultTransport.RoundTrip(request)
}

func main() {
	bucket = os.Args[2]
	client = newClient(os.Getenv("OSS_ACCESS_KEY_SECRET"))
	core = minio.Core{Client: client}
	buckets()
	objects()
	parts()
	copies()
	lists()
	documents()
	byHost()
	conditions()
	links()
	form()
	versions()
	locks()
	refusals()
	deletes()
	shared()
	Tell("operations", len(operations))
}

func newClient(secret string) *minio.Client {
	made, err := minio.New(strings.TrimPrefix(os.Args[1], "http://"), &minio.Options{
		Creds:           credentials.NewStaticV4(os.Getenv("OSS_ACCESS_KEY_ID"), secret, ""),
		Transport:       operations,
		TrailingHeaders: true,
		MaxRetries:      1,
	})
	Check(err)
	return made
}

func buckets() {
	Check(client.MakeBucket(ctx, bucket, minio.MakeBucketOptions{ObjectLocking: true}))
	Tell("again", refusal(client.MakeBucket(ctx, bucket, minio.MakeBucketOptions{})))
	found, err := client.BucketExists(ctx, bucket)
	Check(err)
	none, err := client.BucketExists(ctx, "not-there-at-all")
	Check(err)
	location, err := client.GetBucketLocation(ctx, bucket)
	Check(err)
	Tell("exists", found, none, location)
	all, err := client.ListBuckets(ctx)
	Check(err)
	listed := false
	for _, one := range all {
		listed = listed || one.Name == bucket && !one.CreationDate.IsZero()
	}
	Tell("listed", listed)
}

func objects() {
	stored := put(key, "hello", minio.PutObjectOptions{
		ContentType: "text/plain", UserMetadata: map[string]string{"colour": "green"}, UserTags: map[string]string{"owner": "a@example.com"},
	})
	Tell("put", stored.ETag, stored.Size)
	object, err := client.GetObject(ctx, bucket, key, minio.GetObjectOptions{})
	Check(err)
	about, err := object.Stat()
	Check(err)
	Tell("get", string(All(object)), about.ContentType, about.UserMetadata["Colour"], about.UserTagCount)
	middle := minio.GetObjectOptions{}
	Check(middle.SetRange(1, 2))
	part, err := client.GetObject(ctx, bucket, key, middle)
	Check(err)
	Tell("range", string(All(part)))

	// A reader that seeks asks in ranges.
	sought, err := client.GetObject(ctx, bucket, key, minio.GetObjectOptions{})
	Check(err)
	_, err = sought.Seek(-2, io.SeekEnd)
	Check(err)
	Tell("seek", string(All(sought)))
	for _, kind := range []minio.ChecksumType{
		minio.ChecksumCRC32, minio.ChecksumCRC32C, minio.ChecksumCRC64NVME, minio.ChecksumSHA1, minio.ChecksumSHA256,
	} {
		put("sum", "hello", minio.PutObjectOptions{Checksum: kind})
		about, err := client.StatObject(ctx, bucket, "sum", minio.StatObjectOptions{Checksum: true})
		Check(err)
		Tell(kind.String(), about.ChecksumCRC32+about.ChecksumCRC32C+about.ChecksumCRC64NVME+about.ChecksumSHA1+about.ChecksumSHA256, about.ChecksumMode)
	}
}

func parts() {
	// Of unknown length, so in parts, each in signed chunks.
	stored, err := client.PutObject(ctx, bucket, "large", io.MultiReader(bytes.NewReader(large)), -1, minio.PutObjectOptions{PartSize: 5 << 20})
	Check(err)
	object, err := client.GetObject(ctx, bucket, "large", minio.GetObjectOptions{})
	Check(err)
	Tell("upload", stored.ETag, bytes.Equal(All(object), large))
	full, err := client.PutObject(ctx, bucket, "full", bytes.NewReader(large), int64(len(large)), minio.PutObjectOptions{
		PartSize: 5 << 20, Checksum: minio.ChecksumFullObjectCRC32C,
	})
	Check(err)
	attributes, err := client.GetObjectAttributes(ctx, bucket, "full", minio.ObjectAttributesOptions{})
	Check(err)
	Tell("attributes", attributes.ObjectSize, attributes.ObjectParts.PartsCount, attributes.Checksum.ChecksumCRC32C == full.ChecksumCRC32C)

	id, err := core.NewMultipartUpload(ctx, bucket, "open/one", minio.PutObjectOptions{})
	Check(err)
	_, err = core.PutObjectPart(ctx, bucket, "open/one", id, 1, strings.NewReader("part"), 4, minio.PutObjectPartOptions{})
	Check(err)
	listed, err := core.ListObjectParts(ctx, bucket, "open/one", id, 0, 10)
	Check(err)
	var open []string
	for upload := range client.ListIncompleteUploads(ctx, bucket, "open/", true) {
		Check(upload.Err)
		open = append(open, fmt.Sprint(upload.Key, upload.Size))
	}
	Tell("open", len(listed.ObjectParts), strings.Join(open, " "))
	Check(client.RemoveIncompleteUpload(ctx, bucket, "open/one"))
	_, err = core.ListObjectParts(ctx, bucket, "open/one", id, 0, 10)
	Tell("aborted", refusal(err))
}

func copies() {
	source := minio.CopySrcOptions{Bucket: bucket, Object: key}
	copied, err := client.CopyObject(ctx, minio.CopyDestOptions{Bucket: bucket, Object: "copy & ü"}, source)
	Check(err)
	_, err = client.CopyObject(ctx, minio.CopyDestOptions{
		Bucket: bucket, Object: "replaced", ReplaceMetadata: true, UserMetadata: map[string]string{"colour": "red"},
		ReplaceTags: true, UserTags: map[string]string{"n": "1"},
	}, source)
	Check(err)
	about, err := client.StatObject(ctx, bucket, "replaced", minio.StatObjectOptions{})
	Check(err)
	Tell("copy", copied.ETag, about.UserMetadata["Colour"], about.UserTagCount)
	composed, err := client.ComposeObject(ctx, minio.CopyDestOptions{Bucket: bucket, Object: "composed"},
		minio.CopySrcOptions{Bucket: bucket, Object: "large"}, source)
	Check(err)
	about, err = client.StatObject(ctx, bucket, "composed", minio.StatObjectOptions{})
	Check(err)
	Tell("compose", strings.HasSuffix(composed.ETag, "-2"), about.Size == int64(len(large)+5))
}

func lists() {
	for _, letter := range "abcdefg" {
		put("list/"+string(letter)+" &<ü+", "", minio.PutObjectOptions{})
	}
	put("list/dir/one", "", minio.PutObjectOptions{})
	for _, how := range []minio.ListObjectsOptions{
		{Prefix: "list/", MaxKeys: 3}, {Prefix: "list/", MaxKeys: 3, UseV1: true}, {Prefix: "list/", Recursive: true, MaxKeys: 3, WithMetadata: true},
	} {
		var keys []string
		for object := range client.ListObjects(ctx, bucket, how) {
			Check(object.Err)
			keys = append(keys, object.Key)
		}
		Tell(fmt.Sprint("list v1=", how.UseV1, " recursive=", how.Recursive), len(keys), keys[3], keys[4])
	}
}

func documents() {
	made, err := tags.NewTags(map[string]string{"team": "red"}, false)
	Check(err)
	Check(client.SetBucketTagging(ctx, bucket, made))
	got, err := client.GetBucketTagging(ctx, bucket)
	Check(err)
	Check(client.RemoveBucketTagging(ctx, bucket))
	_, err = client.GetBucketTagging(ctx, bucket)
	Tell("bucket tags", got, refusal(err))
	ofObject, err := tags.NewTags(map[string]string{"a b": "c/d"}, true)
	Check(err)
	Check(client.PutObjectTagging(ctx, bucket, key, ofObject, minio.PutObjectTaggingOptions{}))
	got, err = client.GetObjectTagging(ctx, bucket, key, minio.GetObjectTaggingOptions{})
	Check(err)
	Check(client.RemoveObjectTagging(ctx, bucket, key, minio.RemoveObjectTaggingOptions{}))
	Tell("tags", got)

	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":["s3:GetObject"],"Resource":["arn:aws:s3:::` + bucket + `/open/*"]}]}`
	Check(client.SetBucketPolicy(ctx, bucket, policy))
	kept, err := client.GetBucketPolicy(ctx, bucket)
	Check(err)
	put("open/to all", "open", minio.PutObjectOptions{})
	status, _, body := fetch("GET", os.Args[1]+"/"+bucket+"/open/to%20all", nil, nil)
	Check(client.SetBucketPolicy(ctx, bucket, ""))
	gone, err := client.GetBucketPolicy(ctx, bucket)
	Check(err)
	Tell("policy", kept == policy, status, body, gone == "")
	rules := lifecycle.NewConfiguration()
	rules.Rules = []lifecycle.Rule{{ID: "old", Status: "Enabled", RuleFilter: lifecycle.Filter{Prefix: "tmp/"}, Expiration: lifecycle.Expiration{Days: 7}}}
	Check(client.SetBucketLifecycle(ctx, bucket, rules))
	found, err := client.GetBucketLifecycle(ctx, bucket)
	Check(err)
	Tell("lifecycle", len(found.Rules), found.Rules[0].ID, found.Rules[0].RuleFilter.Prefix, found.Rules[0].Expiration.Days)
	acl, err := client.GetObjectACL(ctx, bucket, key)
	Check(err)
	Tell("acl", len(acl.Grant), acl.Metadata.Get("X-Amz-Acl"))
}

// The bucket in the host's name, which leads to the server without DNS.
func byHost() {
	address := strings.TrimPrefix(os.Args[1], "http://")
	_, port, err := net.SplitHostPort(address)
	Check(err)
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	named, err := minio.New("s3.localhost:"+port, &minio.Options{
		Creds:        credentials.NewStaticV4(os.Getenv("OSS_ACCESS_KEY_ID"), os.Getenv("OSS_ACCESS_KEY_SECRET"), ""),
		Transport:    &http.Transport{DialContext: dial},
		BucketLookup: minio.BucketLookupDNS,
	})
	Check(err)
	object, err := named.GetObject(ctx, bucket, key, minio.GetObjectOptions{})
	Check(err)
	Tell("by its host", string(All(object)))
}

func conditions() {
	onlyNew := minio.PutObjectOptions{}
	onlyNew.SetMatchETagExcept("*")
	first := put("lock", "mine", onlyNew)
	_, err := client.PutObject(ctx, bucket, "lock", strings.NewReader("theirs"), 6, onlyNew)
	Tell("taken", refusal(err))
	ofFirst := minio.PutObjectOptions{}
	ofFirst.SetMatchETag(first.ETag)
	put("lock", "new", ofFirst)
	_, err = client.PutObject(ctx, bucket, "lock", strings.NewReader("late"), 4, ofFirst)
	Tell("changed", refusal(err))
}

func links() {
	get, err := client.PresignedGetObject(ctx, bucket, key, time.Hour, url.Values{"response-content-type": {"text/x-other"}})
	Check(err)
	status, header, body := fetch("GET", get.String(), nil, nil)
	Tell("get link", status, header.Get("Content-Type"), body)
	head, err := client.PresignedHeadObject(ctx, bucket, key, time.Hour, nil)
	Check(err)
	status, _, _ = fetch("HEAD", head.String(), nil, nil)
	upload, err := client.PresignedPutObject(ctx, bucket, "by link", time.Hour)
	Check(err)
	stored, _, _ := fetch("PUT", upload.String(), nil, []byte("by link"))
	Tell("links", status, stored)
	named := http.Header{"X-Amz-Meta-Colour": {"blue"}}
	signed, err := client.PresignHeader(ctx, "PUT", bucket, "by link", time.Hour, nil, named)
	Check(err)
	with, _, _ := fetch("PUT", signed.String(), named, []byte("by link"))
	without, _, _ := fetch("PUT", signed.String(), nil, []byte("by link"))
	Tell("named link", with, without)
}

func form() {
	policy := minio.NewPostPolicy()
	for _, err := range []error{
		policy.SetBucket(bucket), policy.SetKeyStartsWith("form/"), policy.SetExpires(time.Now().Add(time.Hour)),
		policy.SetContentType("text/plain"), policy.SetContentLengthRange(1, 10), policy.SetUserMetadata("colour", "blue"),
		policy.SetTagging("<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>"),
	} {
		Check(err)
	}
	target, fields, err := client.PresignedPostPolicy(ctx, policy)
	Check(err)
	fields["key"] = "form/ü"
	status, reply := post(target.String(), fields, "hello")
	large, refused := post(target.String(), fields, "hello hello")
	about, err := client.StatObject(ctx, bucket, "form/ü", minio.StatObjectOptions{})
	Check(err)
	Tell("form", status, reply, about.ContentType, about.UserMetadata["Colour"], about.UserTagCount)
	Tell("large form", large, strings.Contains(refused, "EntityTooLarge"))
}

func post(target string, fields map[string]string, content string) (int, string) {
	var body bytes.Buffer
	writer := multipart.NewWriter(&body)
	for name, value := range fields {
		Check(writer.WriteField(name, value))
	}
	file, err := writer.CreateFormFile("file", "name")
	Check(err)
	_, err = io.WriteString(file, content)
	Check(err)
	Check(writer.Close())
	status, _, reply := fetch("POST", target, http.Header{"Content-Type": {writer.FormDataContentType()}}, body.Bytes())
	return status, reply
}

func versions() {
	config, err := client.GetBucketVersioning(ctx, bucket)
	Check(err)
	first := put("v", "1", minio.PutObjectOptions{})
	put("v", "2", minio.PutObjectOptions{})
	Check(client.RemoveObject(ctx, bucket, "v", minio.RemoveObjectOptions{}))
	pinned, err := client.GetObject(ctx, bucket, "v", minio.GetObjectOptions{VersionID: first.VersionID})
	Check(err)
	var listed []string
	for version := range client.ListObjects(ctx, bucket, minio.ListObjectsOptions{Prefix: "v", WithVersions: true, MaxKeys: 2}) {
		Check(version.Err)
		listed = append(listed, fmt.Sprint(version.Size, version.IsLatest, version.IsDeleteMarker))
	}
	Tell("versions", config.Status, string(All(pinned)), strings.Join(listed, " "))
}

func locks() {
	enabled, mode, _, _, err := client.GetObjectLockConfig(ctx, bucket)
	Check(err)
	Tell("lock config", enabled, mode == nil)
	governed, days, unit := minio.Governance, uint(1), minio.Days
	Check(client.SetBucketObjectLockConfig(ctx, bucket, &governed, &days, &unit))
	_, mode, validity, _, err := client.GetObjectLockConfig(ctx, bucket)
	Check(err)
	Tell("default", *mode, *validity)
	kept := put("kept", "x", minio.PutObjectOptions{})
	of := minio.RemoveObjectOptions{VersionID: kept.VersionID}
	Tell("retained", refusal(client.RemoveObject(ctx, bucket, "kept", of)))
	mode, until, err := client.GetObjectRetention(ctx, bucket, "kept", kept.VersionID)
	Check(err)
	Tell("retention", *mode, until.After(time.Now()))
	hold := minio.LegalHoldEnabled
	Check(client.PutObjectLegalHold(ctx, bucket, "kept", minio.PutObjectLegalHoldOptions{VersionID: kept.VersionID, Status: &hold}))
	of.GovernanceBypass = true
	Tell("held", refusal(client.RemoveObject(ctx, bucket, "kept", of)))
	hold = minio.LegalHoldDisabled
	Check(client.PutObjectLegalHold(ctx, bucket, "kept", minio.PutObjectLegalHoldOptions{VersionID: kept.VersionID, Status: &hold}))
	Tell("bypassed", refusal(client.RemoveObject(ctx, bucket, "kept", of)))
	later, mine := time.Now().Add(time.Hour).UTC(), minio.Governance
	written := put("mine", "x", minio.PutObjectOptions{Mode: mine, RetainUntilDate: later, LegalHold: minio.LegalHoldDisabled})
	about, err := client.StatObject(ctx, bucket, "mine", minio.StatObjectOptions{VersionID: written.VersionID})
	Check(err)
	Tell("own retention", about.Metadata.Get("X-Amz-Object-Lock-Mode"))
	Check(client.PutObjectRetention(ctx, bucket, "mine", minio.PutObjectRetentionOptions{VersionID: written.VersionID, GovernanceBypass: true}))
	_, _, err = client.GetObjectRetention(ctx, bucket, "mine", written.VersionID)
	Tell("let go", refusal(err))
	Check(client.SetBucketObjectLockConfig(ctx, bucket, nil, nil, nil))
}

func refusals() {
	_, err := client.StatObject(ctx, bucket, "none", minio.StatObjectOptions{})
	Tell("no head", refusal(err))
	object, err := client.GetObject(ctx, bucket, "none", minio.GetObjectOptions{})
	Check(err)
	_, err = object.Stat()
	Tell("no key", refusal(err))
	_, err = newClient("wrong").ListBuckets(ctx)
	Tell("bad secret", refusal(err))
	Tell("full", refusal(client.RemoveBucket(ctx, bucket)))
}

func deletes() {
	found := client.ListObjects(ctx, bucket, minio.ListObjectsOptions{WithVersions: true, Recursive: true, MaxKeys: 10})
	for failed := range client.RemoveObjects(ctx, bucket, found, minio.RemoveObjectsOptions{GovernanceBypass: true}) {
		Check(failed.Err)
	}
	Tell("deleted", refusal(client.RemoveBucket(ctx, bucket)))
}

// In a bucket of OSS's: what was put there is read, and something is put.
func shared() {
	bucket = os.Args[3]
	object, err := client.GetObject(ctx, bucket, key, minio.GetObjectOptions{})
	Check(err)
	about, err := object.Stat()
	Check(err)
	Tell("shared", string(All(object)), about.UserMetadata["Colour"])
	put("back", "from S3", minio.PutObjectOptions{UserMetadata: map[string]string{"colour": "green"}})
}

func put(name, content string, options minio.PutObjectOptions) minio.UploadInfo {
	stored, err := client.PutObject(ctx, bucket, name, strings.NewReader(content), int64(len(content)), options)
	Check(err)
	return stored
}

func fetch(method, link string, header http.Header, body []byte) (int, http.Header, string) {
	return Fetch(http.DefaultClient, method, link, header, body)
}

func refusal(err error) string {
	if err == nil {
		return "none"
	}
	return minio.ToErrorResponse(err).Code
}
