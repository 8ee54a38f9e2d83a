package check

import "golang.org/x/sys/unix"

// networkName returns the name of a file system that is on another machine, or "" if it is not known to be.
// A file system in user space (FUSE) may be either, and is not named.
func networkName(on *unix.Statfs_t) string {
	return map[uint32]string{
		unix.NFS_SUPER_MAGIC:  "NFS",
		unix.SMB_SUPER_MAGIC:  "SMB",
		unix.SMB2_SUPER_MAGIC: "SMB",
		unix.CIFS_SUPER_MAGIC: "SMB",
		unix.CEPH_SUPER_MAGIC: "CephFS",
		unix.AFS_SUPER_MAGIC:  "AFS",
		unix.V9FS_MAGIC:       "9P",
	}[uint32(on.Type)] //nolint:gosec // 32 bits, whatever the type of the field is
}
