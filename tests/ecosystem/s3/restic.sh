# restic (minio-go): a repository made, two backups, one restored, one forgotten and pruned, all data checked.
cd "$(mktemp -d)"
export RESTIC_REPOSITORY="s3:$AWS_ENDPOINT_URL/$BUCKET/repository" RESTIC_PASSWORD=word RESTIC_CACHE_DIR="$PWD/cache"
mkdir tree
head -c 20000000 /dev/urandom > tree/large.bin
restic init --quiet
restic backup --quiet tree
head -c 3000000 /dev/urandom > tree/large.bin
echo one > "tree/ä +&.txt"
restic backup --quiet tree
restic restore --quiet latest --target back
cmp tree/large.bin back/tree/large.bin
restic forget --quiet --keep-last 1 --prune
restic check --read-data > checked.txt
tail -n 1 checked.txt
