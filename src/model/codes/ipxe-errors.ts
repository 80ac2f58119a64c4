// The errors of POSIX in iPXE's numbering (`errno.h`, bits 30 to 24 of a code), which is the same on every platform.

/** Lines `number NAME text`, with the number in hexadecimal. */
export const ipxeErrorLines = `
01 E2BIG Argument list too long
02 EACCES Permission denied
03 EADDRINUSE Address already in use
04 EADDRNOTAVAIL Address not available
05 EAFNOSUPPORT Address family not supported
06 EAGAIN Resource temporarily unavailable
07 EALREADY Connection already in progress
08 EBADF Bad file descriptor
09 EBADMSG Bad message
0a EBUSY Device or resource busy
0b ECANCELED Operation canceled
0c ECHILD No child processes
0d ECONNABORTED Connection aborted
0e ECONNREFUSED Connection refused
0f ECONNRESET Connection reset
10 EDEADLK Resource deadlock avoided
11 EDESTADDRREQ Destination address required
12 EDOM Mathematics argument out of domain of function
13 EDQUOT Disk quota exceeded
14 EEXIST File exists
15 EFAULT Bad address
16 EFBIG File too large
17 EHOSTUNREACH Host is unreachable
18 EIDRM Identifier removed
19 EILSEQ Illegal byte sequence
1a EINPROGRESS Operation in progress
1b EINTR Interrupted function call
1c EINVAL Invalid argument
1d EIO Input/output error
1e EISCONN Socket is connected
1f EISDIR Is a directory
20 ELOOP Too many levels of symbolic links
21 EMFILE Too many open files
22 EMLINK Too many links
23 EMSGSIZE Message too long
24 EMULTIHOP Multihop attempted
25 ENAMETOOLONG Filename too long
26 ENETDOWN Network is down
27 ENETRESET Connection aborted by network
28 ENETUNREACH Network unreachable
29 ENFILE Too many open files in system
2a ENOBUFS No buffer space available
2b ENODATA No data available
2c ENODEV No such device
2d ENOENT No such file or directory
2e ENOEXEC Exec format error
2f ENOLCK No locks available
30 ENOLINK Link has been severed
31 ENOMEM Not enough space
32 ENOMSG No message of the desired type
33 ENOPROTOOPT Protocol not available
34 ENOSPC No space left on device
35 ENOSR No STREAM resources
36 ENOSTR Not a STREAM
37 ENOSYS Function not implemented
38 ENOTCONN The socket is not connected
39 ENOTDIR Not a directory
3a ENOTEMPTY Directory not empty
3b ENOTSOCK Not a socket
3c ENOTSUP Operation not supported
3d ENOTTY Inappropriate I/O control operation
3e ENXIO No such device or address
3f EOPNOTSUPP Operation not supported on socket
40 EOVERFLOW Value too large to be stored in data type
41 EPERM Operation not permitted
42 EPIPE Broken pipe
43 EPROTO Protocol error
44 EPROTONOSUPPORT Protocol not supported
45 EPROTOTYPE Protocol wrong type for socket
46 ERANGE Result too large
47 EROFS Read-only file system
48 ESPIPE Invalid seek
49 ESRCH No such process
4a ESTALE Stale file handle
4b ETIME Timer expired
4c ETIMEDOUT Connection timed out
4d ETXTBSY Text file busy
4e EWOULDBLOCK Operation would block
4f EXDEV Improper link
7f EPLATFORM Platform-generated error
`
