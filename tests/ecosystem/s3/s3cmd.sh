# s3cmd: sync both ways, ACLs, signed links, parts, info, removal; signed by V4, and by V2 with its own setting.
cd "$(mktemp -d)"
host=${AWS_ENDPOINT_URL#http://}
cat > config <<END
[default]
access_key = $AWS_ACCESS_KEY_ID
secret_key = $AWS_SECRET_ACCESS_KEY
host_base = $host
host_bucket = $host
use_https = False
bucket_location = us-east-1
multipart_chunk_size_mb = 5
END
mkdir -p tree/inner
head -c 9000000 /dev/urandom > tree/large.bin
echo one > "tree/inner/ä +&.txt"
printf "put by S3" > from-s3.txt
exec 3>&1 > said.txt
for options in "" "--signature-v2"; do
    s3cmd() { command s3cmd --config config --no-progress $options "$@"; }
    rm -rf back from-oss.txt
    s3cmd get "s3://$BUCKET/from-oss.txt" from-oss.txt
    test "$(cat from-oss.txt)" = "put by OSS"
    s3cmd put --acl-public from-s3.txt "s3://$BUCKET/from-s3.txt"
    curl -fsS "$AWS_ENDPOINT_URL/$BUCKET/from-s3.txt" > public.txt
    s3cmd setacl --acl-private "s3://$BUCKET/from-s3.txt"
    test "$(curl -s -o refused.xml -w "%{http_code}" "$AWS_ENDPOINT_URL/$BUCKET/from-s3.txt")" = 403
    curl -fsS "$(s3cmd signurl "s3://$BUCKET/from-s3.txt" +600)" > linked.txt
    cmp from-s3.txt linked.txt
    s3cmd sync tree/ "s3://$BUCKET/tree/"
    s3cmd sync "s3://$BUCKET/tree/" back/
    diff -r tree back
    s3cmd modify --add-header "Content-Type: text/x-modified" "s3://$BUCKET/tree/large.bin"
    s3cmd info "s3://$BUCKET/tree/large.bin" | grep -o text/x-modified >&3
    s3cmd del --recursive "s3://$BUCKET/tree/"
done
