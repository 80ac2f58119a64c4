// Response and request schemas of the server: its settings, interfaces and switch of proxyDHCP.
import { z } from '@hono/zod-openapi'
import { moment } from '../common.ts'
import type { Given } from '../json.ts'

const proxySource = z.enum(['environment', 'saved', 'default']).openapi({
  description: 'environment: BOOTWRIGHT_PROXY_DHCP. saved: chosen by an operator. default: off.',
})
const fault = z.string().optional().openapi({ description: 'Why proxyDHCP does not answer on these interfaces.' })

export const proxyDhcpState = z
  .object({ interfaces: z.array(z.string()), source: proxySource, fault })
  .openapi('ProxyDhcp', { description: 'The interfaces on which proxyDHCP answers firmware; empty if it is off.' })
export type ProxyDhcp = Given<typeof proxyDhcpState>

export const proxyDhcpPut = z
  .strictObject({
    interfaces: z
      .array(z.string().max(15, 'the name of an interface'))
      .max(64, 'at most 64 interfaces')
      .openapi({ description: 'Their names; an empty list switches proxyDHCP off.', example: ['eth0'] }),
  })
  .openapi('ProxyDhcpPut')

export const aboutSchema = z
  .object({
    version: z.string(),
    node: z.string().openapi({ description: 'The version of Node.js.', example: 'v20.19.2' }),
    siteName: z.string().optional().openapi({ description: 'BOOTWRIGHT_SITE_NAME' }),
    startedAt: moment,
    uptimeSeconds: z.int(),
    database: z.enum(['embedded', 'PostgreSQL']),
    bootUrls: z.array(z.string()).openapi({
      description: 'The URLs of boot HTTP for machines, the likeliest first.',
      example: ['http://192.0.2.1:8080'],
    }),
    tftp: z
      .object({ listening: z.string().optional(), port: z.int().optional() })
      .openapi({ description: 'The addresses of TFTP. Empty if TFTP is not served.' }),
    proxyDhcp: proxyDhcpState,
  })
  .openapi('About')
export type About = Given<typeof aboutSchema>

export const settingList = z
  .object({
    items: z.array(
      z
        .object({
          name: z.string().openapi({ example: 'BOOTWRIGHT_BOOT_LISTEN' }),
          meaning: z.string(),
          expected: z.string().openapi({ description: 'The valid values, in words.' }),
          value: z.string().optional().openapi({ description: 'The current value. Asterisks replace secrets.' }),
          default: z.string().optional(),
          source: z.enum(['environment', 'default']),
          secret: z.boolean(),
        })
        .openapi('Setting'),
    ),
  })
  .openapi('SettingList')
export type SettingList = Given<typeof settingList>

export const interfaceList = z
  .object({
    items: z.array(
      z
        .object({
          name: z.string().openapi({ example: 'eth0' }),
          mac: z.string(),
          addresses: z.array(z.object({ address: z.string(), subnet: z.string(), family: z.enum(['IPv4', 'IPv6']) })),
          loopback: z.boolean(),
          inside: z
            .boolean()
            .openapi({ description: 'By its name, a network of containers or virtual machines in this computer.' }),
          proxyDhcp: z.boolean().openapi({ description: 'proxyDHCP is switched on for this interface.' }),
        })
        .openapi('Interface'),
    ),
  })
  .openapi('InterfaceList')
export type InterfaceList = Given<typeof interfaceList>
