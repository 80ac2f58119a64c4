// Errors of iPXE that have a name of their own within a file (`__einfo_uniqify`, bits 12 to 8 of a code). Facts of the tree at
// v2.0.0, joined with those of 2019 and v1.21.1.

/** Lines `file.error case text; case text; …`, with the numbers in hexadecimal. A pair may continue in the next line. */
export const ipxeCaseLines = `
004.02 01 Untrusted image; 02 Trust requirement is permanent
007.1c 01 Empty or underlength cursor; 02 Length field overruns cursor; 03 Field overruns cursor; 04 Invalid boolean
007.1c 05 Invalid time; 06 Invalid algorithm; 07 Invalid bit string
007.3c 01 Unsupported algorithm
007.3d 01 Inappropriate algorithm
01c.46 01 Requested memory not available
01f.2d 01 Nothing to boot
023.17 00 No route to destination; 01 Communication administratively prohibited; 03 Address unreachable; 04 Port unreachable
023.43 00 Erroneous header field; 01 Unrecognised next header type; 02 Unrecognised IPv6 option
023.4c 00 Hop limit exceeded in transit; 01 Fragment reassembly time exceeded
024.7f 01 Could not load image; 02 Could not start image
033.1c 01 Invalid length
033.3c 01 Unsupported version; 02 Unsupported header type; 03 Unsupported option
043.1a 01 Unknown; 02 Unused; 03 Incomplete
043.38 01 Down
04a.1d 02 Data buffer error; 03 Babble detected; 04 USB transaction error; 05 TRB error; 06 Stall error; 07 Resource error
04a.1d 08 Bandwidth error; 09 No slots available; 0a Invalid stream type; 0b Slot not enabled; 0c Endpoint not enabled
04a.1d 0d Short packet; 0e Ring underrun; 0f Ring overrun; 10 Virtual function event ring full; 11 Parameter error
04a.1d 12 Bandwidth overrun; 13 Context state error; 14 No ping response; 15 Event ring full; 16 Incompatible device
04a.1d 17 Missed service error; 18 Command ring stopped; 19 Command aborted; 1a Stopped; 1b Stopped - length invalid
04a.1d 1c Stopped - short packet; 1d Maximum exit latency too large; 1f Isochronous buffer overrun
04a.43 00 Event lost; 01 Undefined error; 02 Invalid stream ID; 03 Secondary bandwidth error; 04 Split transaction error
063.02 01 HTTP 401 Unauthorized
063.1c 01 Invalid status line; 02 Invalid header; 03 Invalid content length; 04 Invalid chunk length
063.1d 01 Unrecognised HTTP response code; 02 Content length mismatch; 04 HTTP 4xx Client Error; 05 HTTP 5xx Server Error
063.2d 01 Not found
063.3c 01 Unsupported connection header; 02 Unsupported transfer encoding
063.41 01 HTTP 403 Forbidden
063.43 01 Unsolicited data
06b.02 01 Incorrect target username; 02 Incorrect target password
06b.1c 01 Root path too short; 02 Bad credential mix; 03 No root path; 04 No target IQN; 05 No initiator IQN
06b.1c 06 Invalid MaxBurstLength
06b.1d 01 Target not currently operational; 02 Target out of resources
06b.3c 01 Unsupported initiator status; 02 Unsupported opcode; 03 Discovery not supported; 04 Unsupported target status
06b.41 01 Initiator authentication failed; 02 Initiator not authorised
06b.43 01 Invalid CHAP algorithm; 02 Invalid CHAP identifier; 03 Invalid large binary value; 04 Invalid CHAP response
06b.43 05 Invalid key/value pair; 06 Parameter rejected
06f.1c 01 Invalid Change Cipher record; 02 Invalid Alert record; 03 Invalid Server Hello record; 04 Invalid Certificate
06f.1c 05 Invalid Server Certificate record; 06 Invalid Server Hello Done record; 07 Invalid Server Finished record
06f.1c 08 Invalid Handshake record; 09 Invalid stream-ciphered record; 0a Invalid initialisation vector
06f.1c 0b Invalid block padding; 0c Invalid receive state; 0d Invalid MAC or authentication tag
06f.1c 0e Invalid New Session Ticket record; 0f Invalid Server Key Exchange record
06f.1d 01 Unknown alert level
06f.2d 01 Missing server certificate
06f.31 01 Not enough space for crypto context; 02 Not enough space for certificate; 03 Not enough space for certificate chain
06f.31 04 Not enough space for transmitted plaintext; 05 Not enough space for transmitted ciphertext
06f.31 07 Not enough space for received data; 08 Not enough space to concatenate received data
06f.3c 01 Unsupported cipher; 02 Refusing to use null cipher; 03 Unsupported signature and hash algorithm
06f.3c 04 Unsupported protocol version; 05 Unsupported key exchange group
06f.41 01 Received fatal alert; 02 Handshake verification failed; 03 No suitable client certificate available
06f.41 04 Secure renegotiation not supported; 05 Secure renegotiation verification failed
06f.41 06 ServerKeyExchange verification failed; 07 Extended master secret extension mismatch; 08 Bound identity not validated
06f.43 01 Illegal protocol version upgrade
072.3c 01 Not supported by EFI_USB_IO_PROTOCOL
077.04 01 No configuration methods succeeded
087.7f 01 Could not open PCI I/O protocol
08b.3e 01 DNS name does not exist; 02 No DNS servers available
093.1c 01 Invalid blksize; 02 Invalid tsize; 03 Missing multicast port; 04 Missing multicast mc; 05 Missing multicast IP
093.1c 06 Invalid multicast IP; 07 Invalid multicast port
093.2d 01 Not found
09b.1a 01 Initialising; 02 Armed
0b1.0b 01 Nothing to do
0b1.1c 01 Invalid integer value; 02 Unrecognised option; 03 Missing argument
0b7.02 01 Wrong issuer; 02 Not a CA certificate; 03 Incorrect key usage; 04 Expired (or not yet valid)
0b7.02 05 Maximum path length exceeded; 06 Untrusted root certificate; 07 Validation out of order; 08 Empty certificate chain
0b7.02 09 OCSP check required; 0a Incorrect certificate name; 0b No usable certificates
0b7.1c 01 Invalid algorithm type; 04 Signature algorithm mismatch; 05 Invalid pathLenConstraint; 06 Invalid version
0b7.3c 01 Unsupported algorithm; 02 Unsupported extension
0d9.43 01 Incorrect reply length; 02 Incorrect reply data; 03 Delayed or out-of-sequence reply
0fb.1c 01 Packet too short; 02 Packet 802.11 version not supported; 03 Packet not a data packet
0fb.1c 04 Packet not from an Access Point; 05 Packet has invalid LLC header; 06 Packet decryption error
0fb.1c 07 Invalid active scan requested
113.1c 01 Invalid byte string length; 03 Invalid integer; 04 Root path too short
11b.3c 11 WEP not supported; 12 TKIP not supported; 13 CCMP not supported
137.42 01 Repetition count test failed; 02 Adaptive proportion test failed
13f.02 01 RSA signature incorrect
157.02 01 Not a signing certificate; 02 Not a code-signing certificate; 04 Incorrect certificate name
157.02 05 No signatures present; 06 No usable recipients; 07 Bad file length; 08 Bad block padding; 09 Invalid MAC
157.1c 01 Not a digest algorithm; 02 Not a public-key algorithm
157.3c 01 Unrecognised message type
15b.1a 01 Unknown
16b.46 01 Read data out of order; 02 Read data overrun; 03 Write data stuck; 04 Write data overrun; 05 Data underrun
173.1c 01 Underlength packet; 02 Invalid SoF delimiter; 03 Invalid CRC (not stripped?); 04 Invalid EoF delimiter
17f.02 01 Certificate status not good; 02 Certificate ID mismatch; 03 Not an OCSP signing certificate
17f.02 04 Stale (or premature) OCSP response; 05 Missing OCSP responder certificate
17f.3c 01 Unsupported OCSP response type; 02 Unsupported OCSP responder ID
17f.43 01 Illegal confirmation request; 02 Internal error in issuer; 03 Try again later; 05 Must sign the request
17f.43 06 Request unauthorized
189.7f 01 Could not connect controllers
1bf.7f 01 Could not connect controllers
1db.43 01 Unspecified server failure; 02 No addresses available; 03 Client record unavailable; 04 Prefix not on link
1db.43 05 Use multicast address
1fb.3c 02 Non-STP packet received; 03 Legacy STP packet received; 04 Non-RSTP packet received
21b.02 01 No username available for Basic authentication
21f.4c 00 Unknown; 01 Initialising; 02 InitWait; 03 Initialised; 04 Connected; 05 Closing; 06 Closed; 07 Reconfiguring
21f.4c 08 Reconfigured
223.02 01 No username available for Digest authentication
23a.1a 01 Joining
23a.3e 01 Missing REMAC for ARP reply target address; 02 Missing REMAC for non-IPv4 packet
23a.3e 03 Missing REMAC for IPv4 packet (ARP sent)
26f.7f 01 Could not open
34a.1d 01 Unspecified network error; 02 Packet dropped
34f.1c 01 Invalid point size; 02 Invalid key size; 03 Invalid compression; 04 Point is infinity; 05 Invalid signature
352.1d 01 Invalid CDB; 02 Invalid CPB; 03 Busy; 04 Queue full; 05 Already started; 06 Not started; 07 Not shutdown
352.1d 08 Already initialized; 09 Not initialized; 0a Device failure; 0b Non-volatile data failure; 0c Unsupported
352.1d 0d Buffer full; 0e Invalid parameter; 0f Invalid UNDI; 10 IPv4 not supported; 11 IPv6 not supported
352.1d 12 Not enough memory; 13 No data
382.1d 00 No sense; 01 Recovered error; 02 Not ready; 03 Medium error; 04 Hardware error; 05 Illegal request
382.1d 06 Unit attention; 07 Data protect; 08 Blank check; 09 Vendor specific; 0a Copy aborted; 0b Aborted command
382.1d 0c Reserved; 0d Volume overflow; 0e Miscompare; 0f Completed
3e2.1a 01 Joining
40b.7f 01 UNDI loader error
413.7f 01 External PXE API error
449.43 00 GuestRPC open failed; 01 GuestRPC command length failed; 02 GuestRPC command data failed
449.43 03 GuestRPC reply length failed; 04 GuestRPC reply data failed; 05 GuestRPC reply finish failed
449.43 06 GuestRPC close failed
461.1d 01 Function call failed; 02 Not supported in current configuration; 03 Invalid in current video mode
46c.7f 01 External PXE NBP error
632.1d 01 Frame aborted; 02 CRC incorrect; 03 Hardware overflow
67a.1a 01 Pairing in progress
67a.38 03 Personal Hotspot disabled
67a.42 01 No USB multiplexer
6b2.1d 00 Uncompleted; 10 Aborted; 11 Already exists; 12 Cancelled; 13 Data loss; 14 Deadline exceeded; 15 Failed precondition
6b2.1d 16 Internal error; 17 Invalid argument; 18 Not found; 19 Out of range; 1a Permission denied; 1b Unauthenticated
6b2.1d 1c Resource exhausted; 1d Unavailable; 1e Unimplemented; 1f Unknown error
`
