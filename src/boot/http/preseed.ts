// Answers debian-installer with an empty preseed file at boot URLs. Called by app.ts before the table of URLs.
import type { Next } from 'hono'
import type { BootContext } from './request.ts'

const text = `# Bootwright: this URL is for iPXE. debian-installer fetched it because DHCP names it as the boot file.
# This preseed file is empty. The installation uses the preseed file of its url= argument.
`

/**
 * Answers debian-installer with a preseed file without answers, at URLs for firmware and iPXE. Before the file of its `url=`,
 * the installer loads every DHCP file name with `://` as a preseed file. An invalid file stops it at a dialog (its preseed.sh,
 * dhcp_preseed_url; network-preseed.postinst). DHCP servers often give all clients the same URL: libvirt's `<bootp>`, QEMU's
 * user network, routers.
 */
export async function emptyPreseed(context: BootContext, next: Next): Promise<Response | undefined> {
  if (!isDebianInstaller(context)) {
    await next()
    return undefined
  }
  context.header('Cache-Control', 'no-store')
  return context.text(text)
}

/** The installer sends its name as the user agent (its fetch-url). */
function isDebianInstaller(context: BootContext): boolean {
  return /^debian-installer\b/i.test(context.req.header('user-agent') ?? '')
}
