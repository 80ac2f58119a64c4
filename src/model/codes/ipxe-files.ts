// The files of iPXE that report errors, by their numbers (`errfile.h`, bits 23 to 13 of a code), grouped by folder. A folder `-`
// is of files that current versions do not have. Facts of the tree at v2.0.0, joined with those of 2019 and v1.21.1.

/** Lines `folder: number:name …`, with the number in hexadecimal. A folder may continue in the next line. */
export const ipxeFileLines = `
-: 017:aoeboot 04f:cipher 07f:iscsiboot 0c7:ib_srpboot 0d3:ib_qset 0db:ib_gma 152:rtl8139 1da:mtd80x 1e2:ns83820
-: 1fa:r8169 242:e1000_main 24a:e1000e_main 252:mtnic 2c2:igb_main 302:ath 317:widget_ui 402:timer_rdtsc 40a:timer_bios
-: 414:eltorito 431:pxeparent
arch/riscv/interface/sbi: 401:sbi_reboot
arch/x86/core: 40f:cpuid_settings 422:x86_uart 439:runtime 471:gdbmach 489:cpuid 491:rdtsc_timer 4a1:rdrand
arch/x86/drivers/hyperv: 41a:hyperv
arch/x86/drivers/net: 403:undi 40b:undiload 413:undinet 41b:undionly 423:undirom
arch/x86/drivers/xen: 412:hvm
arch/x86/hci/commands: 407:cpuid_cmd
arch/x86/image: 404:bootsector 40c:bzimage 41c:multiboot 424:nbi 42c:pxe_image 434:elfboot 43c:comboot 444:com32 45c:sdi
arch/x86/image: 474:ucode
arch/x86/interface/pcbios: 409:int15 411:pnpbios 419:bios_smbios 421:biosint 429:int13 459:apm 461:vesafb 469:int13con
arch/x86/interface/pcbios: 479:rtc_entropy 481:acpipwr 499:acpi_timer
arch/x86/interface/pxe: 037:pxe_tftp 03f:pxe_udp 46c:pxe_call
arch/x86/interface/syslinux: 44c:comboot_resolv 454:comboot_call
arch/x86/interface/vmware: 441:vmware 449:guestrpc 451:guestinfo
core: 001:asprintf 004:image 009:downloader 011:exec 019:blob 021:iobuf 029:job 031:linebuf 039:monojob 041:nvo 049:open
core: 051:posix_io 054:archive 059:resolv 061:settings 069:vsprintf 071:xfer 079:bitmap 081:base64 089:base16
core: 091:blockdev 099:acpi 0a1:null_sanboot 0a9:edd 0aa:uart 0b1:parseopt 0c1:xferbuf 0c9:pending 0d1:null_reboot
core: 0d9:pinger 0e1:fbcon 0e9:ansicol 0f1:ansicoldef 0f9:fault 101:blocktrans 109:pixbuf 119:sanboot 121:dummy_sanboot
core: 129:fdt 131:dma 139:cachedhcp 141:acpimac 151:uuid 171:null_smbios 191:gpio 199:spcr 1a1:disklog 1b1:datauri
core: 1b9:dmesg 1ff:memmap_settings 287:acpi_settings 2c7:dynkeymap
crypto: 007:asn1 00f:chap 047:aes 0b7:x509 127:hmac_drbg 12f:drbg 137:entropy 13f:rsa 157:cms 17f:ocsp 20f:deflate
crypto: 28f:ntlm 2d7:dhe 2ff:x25519 307:des 337:weierstrass 347:elliptic 34f:ecdsa 357:crypto_null 35f:ffdhe 367:cbc
drivers/bitbash: 092:i2c_bit 09a:spi_bit
drivers/block: 067:ibft 382:scsi 3a2:ata 3aa:srp
drivers/bus: 002:eisa 00a:isa 012:isapnp 01a:mca 022:pci 032:pcivpd 03a:usb 1ef:pci_settings 32f:usb_settings 3fa:virtio
drivers/bus: 602:pciea 662:pcimsix 69a:ecam 6a2:pcibridge 6d2:devtree
drivers/gpio: 6f2:dwgpio
drivers/infiniband: 38a:arbel 392:hermon 39a:linda 3b2:qib7322 3ea:golan 3f2:flexboot_nodnic
drivers/linux: 02a:linux
drivers/net: 102:3c509 10a:bnx2 112:cs89x0 11a:eepro 122:etherfabric 12a:legacy 132:natsemi 13a:pnic 142:prism2_pci
drivers/net: 14a:prism2_plx 15a:smc9000 16a:3c509_eisa 172:3c515 17a:3c529 182:3c595 18a:3c5x9 192:3c90x 19a:amd8111e
drivers/net: 1a2:davicom 1aa:depca 1b2:dmfe 1c2:eepro100 1ca:epic100 1d2:forcedeth 1ea:ns8390 1f2:pcnet32 202:sis900
drivers/net: 20a:sundance 212:tlan 21a:tulip 222:rhine 22a:velocity 232:w89c840 23a:ipoib 262:ne2k_isa 26a:b44 27a:sky2
drivers/net: 28a:atl1e 292:sis190 29a:myri10ge 2a2:skge 2da:jme 2e2:virtio_net 30a:vmxnet3 312:mii 31a:realtek
drivers/net: 322:skeleton 32a:intel 332:myson 33a:intelx 34a:netfront 35a:netvsc 362:ecm 36a:ncm 37a:dm96xx 3ba:smsc75xx
drivers/net: 3c2:intelvf 3ca:intelxvf 3d2:smsc95xx 3da:acm 3e2:eoib 60a:axge 612:thunderx 632:exanic 63a:smscusb
drivers/net: 642:lan78xx 64a:ena 652:icplus 65a:intelxl 66a:intelxlvf 67a:iphone 68a:rdc 692:ice 6b2:gve 6da:cgem
drivers/net: 6e2:dwmac
drivers/net/ath/ath5k: 282:ath5k
drivers/net/ath/ath9k: 2fa:ath9k
drivers/net/efi: 2ca:snpnet 2d2:snponly 342:snp 352:nii 6aa:mnpnet
drivers/net/igbvf: 2f2:igbvf_main
drivers/net/linux: 2ea:tap 61a:af_packet 682:slirp
drivers/net/marvell: 6ba:aqc1xx 6c2:atl_hw 6ca:atl2_hw
drivers/net/phantom: 25a:phantom
drivers/net/rtl818x: 272:rtl818x
drivers/net/sfc: 622:sfc_hunt 62a:efx_hunt
drivers/net/tg3: 162:tg3
drivers/net/vxge: 2aa:vxge_main 2b2:vxge_config 2ba:vxge_traffic
drivers/nvs: 082:nvs 08a:spi 0a2:nvsvpd
drivers/uart: 0b2:ns16550 0ba:dwuart
drivers/usb: 042:usbhub 04a:xhci 052:ehci 05a:uhci 062:usbhid 06a:usbkbd 072:usbio 372:usbnet 672:usbblk 6ea:dwusb
hci: 197:readline 30f:editstring
hci/commands: 057:image_cmd 0e7:config_cmd 0ef:ifmgmt_cmd 0f7:fcmgmt_cmd 0ff:gdbstub_cmd 107:sanboot_cmd 11f:nvo_cmd
hci/commands: 16f:dynui_cmd 207:param_cmd 27f:cert_cmd 2cf:pci_cmd 327:usb_cmd
hci/tui: 0bf:login_ui 167:menu_ui 31f:form_ui
image: 00c:elf 014:script 01c:segment 024:efi_image 02c:embedded 034:pnm 03c:png 044:der 04c:pem 05c:zlib 064:gzip
image: 06c:efi_siglist 074:lkrn 07c:initrd 084:mime 464:initrd
interface/bofm: 10f:bofm
interface/efi: 087:efi_pci 08f:efi_snp 0a7:efi_smbios 111:efi_block 149:efi_strings 159:efi_path 161:efi_mp
interface/efi: 169:efi_service 179:efi_open 181:efi_table 189:efi_connect 18f:efi_snp_hii 19f:efi_bofm 1a7:efi_console
interface/efi: 1a9:efi_disklog 1af:efi_debug 1b7:efi_download 1bf:efi_driver 1c7:efi_file 1cf:efi_init 1d7:efi_timer
interface/efi: 1df:efi_umalloc 1f7:efi_reboot 22f:efi_utils 237:efi_wrap 247:efi_time 24f:efi_watchdog 257:efi_pxe
interface/efi: 25f:efi_usb 267:efi_fbcon 26f:efi_local 277:efi_entropy 297:efi_veto 29f:efi_autoboot 2a7:efi_autoexec
interface/efi: 2af:efi_cachedhcp 2df:efi_cmdline 2e7:efi_rng 2ef:efi_shim 2f7:efi_settings 33f:efi_cacert
interface/hyperv: 23f:vmbus
interface/linux: 0d7:linux_smbios 147:linux_entropy 1e7:linux_pci 2b7:linux_sysfs 2bf:linux_acpi
interface/smbios: 097:smbios 09f:smbios_settings
interface/xen: 217:xenstore 21f:xenbus 227:xengrant
net: 003:aoe 00b:arp 013:dhcpopts 01b:ethernet 023:icmpv6 02b:ipv4 033:ipv6 03b:ndp 043:netdevice 04b:nullnet 053:tcp
net: 06f:tls 073:tcpip 07b:udp 09b:infiniband 0a3:netdev_settings 0ab:dhcppkt 0cb:icmpv4 12b:eapol 153:eth_slow 15b:fc
net: 163:fcels 16b:fcp 173:fcoe 177:validator 17b:fcns 183:vlan 1bb:neighbour 1c3:socket 1cb:icmp 1d3:ping 1eb:rndis
net: 1f3:pccrc 1fb:stp 203:pccrd 22b:peerdisc 233:peerblk 23b:peermux 25b:eap 263:lldp 26b:eap_md5 273:eap_mschapv2
net/80211: 0fb:net80211 11b:sec80211 123:wep 133:wpa 13b:wpa_psk 143:wpa_tkip 14b:wpa_ccmp
net/infiniband: 0bb:ib_sma 0c3:ib_packet 0e3:ib_pathrec 0eb:ib_mcast 0f3:ib_cm 103:ib_mi 10b:ib_cmrc 113:ib_srp
net/infiniband: 243:xsigo
net/oncrpc: 193:portmap 19b:nfs 1a3:nfs_open 1ab:mount 1b3:oncrpc_iob 1e3:nfs_uri
net/tcp: 05b:ftp 063:httpcore 06b:iscsi 18b:oncrpc 20b:httpconn 213:httpauth 21b:httpbasic 223:httpdigest 253:httpntlm
net/tcp: 27b:syslogs
net/udp: 083:dhcp 08b:dns 093:tftp 0b3:slam 1db:dhcpv6 24b:ntp
tests: 05f:uri_test 0b9:test 14f:x509_test
usr: 01f:autoboot 027:dhcpmgmt 02f:imgmgmt 077:ifmgmt 0af:pxemenu 0cf:iwmgmt 0df:lotest 117:prompt 15f:imgtrust
usr: 187:nslookup
`
