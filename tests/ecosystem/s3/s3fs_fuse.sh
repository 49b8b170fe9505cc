# s3fs-fuse: a bucket as a folder. Files written, read, appended to, renamed, listed, removed; large ones in parts.
cd "$(mktemp -d)"
mkdir mount
echo "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" > keys
chmod 600 keys
s3fs "$BUCKET" mount -o "url=$AWS_ENDPOINT_URL,use_path_request_style,passwd_file=$PWD/keys,multipart_size=5"
trap 'fusermount -u mount' EXIT

test "$(cat mount/from-oss.txt)" = "put by OSS"
printf "put by S3" > mount/from-s3.txt
mkdir -p mount/dir/inner
head -c 20000000 /dev/urandom > large.bin
cp large.bin mount/dir/large.bin
cmp large.bin mount/dir/large.bin
echo one > "mount/dir/ä +&.txt"
echo two >> "mount/dir/ä +&.txt"
test "$(cat "mount/dir/ä +&.txt")" = "one
two"
mv mount/dir/large.bin mount/dir/inner/moved.bin
chmod 640 mount/dir/inner/moved.bin
find mount/dir -type f -printf "%P %s %m\n" | sort
rm -r mount/dir
test ! -e mount/dir
