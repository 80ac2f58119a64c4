import { spawnSync } from 'node:child_process'
import { chmod, copyFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

// The guest in three steps: network, a line on the console, a report by HTTP to the address on its kernel command line. With
// `lab.do=` in it the guest acts as an installer that installs, fails, hangs, or restarts without a report. A plus sign
// (`6.12+deb13`) would be a space in a query.
const init = `#!/bin/busybox sh
export PATH=/bin
/bin/busybox mkdir -p /proc /dev
/bin/busybox --install -s /bin
mount -t proc proc /proc
for module in failover net_failover virtio_net; do insmod /modules/$module.ko; done
ip link set eth0 up
udhcpc -i eth0 -f -q -n -t 20 -T 1 -s /udhcpc.sh
echo "guest: $(uname -srm)"
echo "guest: $(cat /proc/cmdline)"
do=booted
for word in $(cat /proc/cmdline); do
  case $word in
    bootwright.report=*) url=\${word#*=} ;;
    lab.do=*) do=\${word#*=} ;;
    lab.tree=*) tree=\${word#*=} ;;
  esac
done
# An installer puts the URLs of its further files together itself, some with one slash too many, and tries some that may not be there.
if [ -n "$tree" ]; then
  for path in images/updates.img images/install.img //.treeinfo; do
    wget -q -O /file "$tree/$path" && echo "guest: tree $path $(sha256sum /file | cut -c 1-64)" || echo "guest: tree $path is not there"
  done
fi
report() { wget -q -O /dev/null "$url/$1?message=$(uname -r | sed s/+/%2B/g)" && echo "guest: reported $1 to $url"; }
case $do in
  reboot) echo "guest: restarts without a report"; reboot -f ;;
  hang) report installing; echo "guest: hangs"; sleep 600 ;;
  install) report installing; report installed; reboot -f ;;
  fail) report installing; wget -q -O /dev/null "$url/failed?message=no%20disk"; echo "guest: gave up"; reboot -f ;;
esac
report booted
poweroff -f
`

const udhcpcScript = `#!/bin/busybox sh
[ "$1" = bound ] || exit 0
ip address add "$ip/$mask" dev "$interface"
[ -n "$router" ] && ip route add default via "\${router%% *}"
exit 0
`

/** Packs the initial RAM disk of the lab's guest (cpio newc, as Documentation/driver-api/early-userspace asks) from the files that setup downloaded. */
export async function makeInitrd(pieces: string, workDir: string): Promise<Buffer> {
  const root = join(workDir, 'initrd')
  await mkdir(join(root, 'bin'), { recursive: true })
  await copyFile(join(pieces, 'busybox'), join(root, 'bin/busybox'))
  await cp(join(pieces, 'modules'), join(root, 'modules'), { recursive: true })
  await writeFile(join(root, 'init'), init)
  await writeFile(join(root, 'udhcpc.sh'), udhcpcScript)
  for (const program of ['init', 'udhcpc.sh', 'bin/busybox']) await chmod(join(root, program), 0o755)
  const archive = join(workDir, 'initrd.cpio')
  const packed = spawnSync('sh', ['-ec', 'cd "$1"; find . | cpio --quiet -o -H newc > "$2"', 'sh', root, archive], {
    encoding: 'utf8',
  })
  if (packed.status !== 0) throw new Error(`cpio: ${packed.error?.message ?? packed.stderr}`)
  await rm(root, { recursive: true })
  return readFile(archive)
}
