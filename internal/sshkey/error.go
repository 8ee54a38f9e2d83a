package sshkey

import "fmt"

// Reason is the rule that a text broke, on which callers may decide.
type Reason string

// The reasons for which a text is refused.
const (
	Empty        Reason = "empty"
	TooLong      Reason = "too_long"
	PrivateKey   Reason = "private_key"
	SSH2Format   Reason = "ssh2_format"
	FilePath     Reason = "file_path"
	MoreThanOne  Reason = "more_than_one"
	Options      Reason = "options"
	UnknownType  Reason = "unknown_type"
	Certificate  Reason = "certificate"
	DSA          Reason = "dsa"
	Damaged      Reason = "damaged"
	TypeMismatch Reason = "type_mismatch"
	BadPoint     Reason = "bad_point"
	WeakRSA      Reason = "weak_rsa"
	ShortRSA     Reason = "short_rsa"

	MD5Fingerprint Reason = "md5_fingerprint" // of ReadFingerprint
)

// The reasons for which Verify refuses a signature.
const (
	NoSignature    Reason = "no_signature"
	OtherNamespace Reason = "other_namespace"
	OtherKey       Reason = "other_key"
	OtherText      Reason = "other_text"
)

// Error is the refusal of a text. Message is a sentence for the person who sent it; it never holds any
// part of the text, which might be a private key.
type Error struct {
	Reason  Reason
	Message string
}

func (e *Error) Error() string { return e.Message }

var sentences = map[Reason]string{
	Empty:          "There is no key. Paste the one line of your public key, from the file whose name ends in .pub.",
	TooLong:        "That is too long for a public key. Paste the one line of the file whose name ends in .pub.",
	PrivateKey:     "That is a private key. It must never be sent to anybody: replace this key pair now, and register the public key of the new pair (the file whose name ends in .pub).",
	SSH2Format:     "That public key is in the SSH2 (RFC 4716) format. Convert it with `ssh-keygen -i -f FILE` and paste the line it prints. In PuTTYgen, copy the field «Public key for pasting into OpenSSH authorized_keys file».",
	FilePath:       "That is the name of a file. Paste the content of the .pub file instead, for example what `cat ~/.ssh/id_ed25519.pub` prints.",
	MoreThanOne:    "That is more than one line or key. Send one public key at a time, on one line without line breaks.",
	Options:        "Something stands before the key. Options are not accepted: send the key alone, beginning with its type, such as ssh-ed25519.",
	UnknownType:    "That does not begin with a key type that is accepted. Send the whole line of a .pub file, beginning with ssh-ed25519, sk-ssh-ed25519@openssh.com, ecdsa-sha2-nistp256, ecdsa-sha2-nistp384, ecdsa-sha2-nistp521, sk-ecdsa-sha2-nistp256@openssh.com or ssh-rsa. If it was a part of a private key, replace that key pair now.",
	Certificate:    "That is an SSH certificate. Send the plain public key, from the .pub file whose name does not end in -cert.pub.",
	DSA:            "DSA keys are not secure any more and OpenSSH refuses them. Make a new key with `ssh-keygen -t ed25519`.",
	Damaged:        "The key is cut off or damaged. Copy the whole line of the .pub file again, without line breaks or dots in it.",
	TypeMismatch:   "The type at the beginning of the line is not the type of the key that follows. Copy the whole line of the .pub file again.",
	BadPoint:       "The key is not a valid key of its type. Copy the whole line of the .pub file again, or make a new key with `ssh-keygen -t ed25519`.",
	MD5Fingerprint: "That is an MD5 fingerprint; I go by SHA-256. Send the one that begins with SHA256:, as `ssh-keygen -l -f FILE.pub` prints it, or the public key itself.",
	WeakRSA:        "The numbers of this RSA key are not those of a safe key. Make a new key with `ssh-keygen -t ed25519`.",

	NoSignature:    "That is no signature I can read. Paste everything that the command prints, from -----BEGIN SSH SIGNATURE----- to -----END SSH SIGNATURE-----.",
	OtherNamespace: "That signature was made for something else. Use the command as it is shown, with `-n sshkeybot`.",
	OtherKey:       "That signature was made with another key. Sign with the private key that belongs to the public key you want to register.",
	OtherText:      "That signature is of another text. Sign exactly the text that is shown last for this key, every line of it.",
}

func refuse(reason Reason) *Error { return &Error{Reason: reason, Message: sentences[reason]} }

func refuseShortRSA(bits int) *Error {
	return &Error{Reason: ShortRSA, Message: fmt.Sprintf(
		"This RSA key has %d bits; at least %d are needed. Make a new key with `ssh-keygen -t ed25519`.", bits, minRSABits)}
}
