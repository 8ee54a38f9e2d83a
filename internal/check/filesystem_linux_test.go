package check

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestNetworkName(t *testing.T) {
	t.Parallel()
	for magic, want := range map[int64]string{
		0x6969: "NFS", 0xFF534D42: "SMB", 0xFE534D42: "SMB", 0x01021997: "9P", 0xC36400: "CephFS",
		0xEF53: "", 0x58465342: "", 0x794c7630: "", 0x01021994: "", 0x65735546: "", // ext4, XFS, overlay, tmpfs, FUSE
		int64(int32(-0x00ACB2BE)): "SMB", // 0xFF534D42 as a field of 32 bits with a sign has it
	} {
		if got := networkName(&unix.Statfs_t{Type: magic}); got != want {
			t.Errorf("%#x is %q, want %q", magic, got, want)
		}
	}
}
