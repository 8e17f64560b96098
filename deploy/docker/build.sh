#!/bin/sh
# Builds what the image consists of: `sh deploy/docker/build.sh FOLDER`. The folder gets the packages with what they
# depend on, as the lockfile has it, and nothing that only builds and tests need; bin/ in it has the commands.
# Needs Node >= 20 with npm, and the package registry. The folder must not exist yet.
set -eu
if [ $# -ne 1 ] || [ -e "$1" ]; then
  echo "usage: sh deploy/docker/build.sh FOLDER, which must not exist yet" >&2
  exit 2
fi
mkdir -p "$1"
out=$(CDPATH='' cd -P "$1" && pwd -P)
rmdir "$out"
cd "$(dirname "$0")/../.."

sh .ci/setup
PATH=$PWD/node_modules/.bin:$PATH
# kvctl and kvutl depend on the server: their deployment has all of it.
pnpm --filter @kvorum/ctl --prod --config.inject-workspace-packages=true deploy "$out"

# RocksDB's sources, which only a machine without the prebuilt library needs.
for binding in "$out"/node_modules/.pnpm/@nxtedition+rocksdb@*/node_modules/@nxtedition/rocksdb; do
  rm -rf "$binding/deps" "$binding/prebuilds.zip"
done

mkdir "$out/bin"
ln -s ../node_modules/@kvorum/server/dist/main.js "$out/bin/kvorum"
ln -s ../dist/kvctl.cjs "$out/bin/kvctl"
ln -s ../dist/kvutl.cjs "$out/bin/kvutl"
# The names that scripts and command lines written for etcd have.
ln -s kvorum "$out/bin/etcd"
ln -s kvctl "$out/bin/etcdctl"
ln -s kvutl "$out/bin/etcdutl"
chmod 755 "$out/node_modules/@kvorum/server/dist/main.js" "$out/dist/kvctl.cjs" "$out/dist/kvutl.cjs"

# A folder that cannot run is found here, not in a cluster.
PATH=$out/bin:$PATH
kvorum --version
kvctl version
kvutl version
echo "kvorum: $(du -sh "$out" | cut -f1) in $out"
