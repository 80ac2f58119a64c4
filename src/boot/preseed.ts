// An empty preseed file for debian-installer. Called by http/app.ts before the table of URLs.
import type { Next } from 'hono'
import type { BootContext } from './http/request.ts'

const text = `# Bootwright: this URL is for iPXE. debian-installer fetched it because DHCP names it as the boot file.
# This preseed file is empty. The installation uses the one that url= names.
`

/**
 * Answers debian-installer, at a URL for firmware and iPXE, with a preseed file that has no answers. The installer loads any
 * DHCP file name with `://` as a preseed file before that of its `url=`. It stops at a dialog if the file is not one (its
 * preseed.sh, dhcp_preseed_url; network-preseed.postinst). A DHCP server that names one URL to all clients is common:
 * libvirt's `<bootp>`, QEMU's user network, routers.
 */
export async function emptyPreseed(context: BootContext, next: Next): Promise<Response | undefined> {
  if (!isDebianInstaller(context)) {
    await next()
    return undefined
  }
  context.header('Cache-Control', 'no-store')
  return context.text(text)
}

/** By the name that the installer gives itself (its fetch-url). */
function isDebianInstaller(context: BootContext): boolean {
  return /^debian-installer\b/i.test(context.req.header('user-agent') ?? '')
}
