package render

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// challenge shows what has to be signed before a key is registered, and how. The text is
// ASCII without quotes, so that it can be pasted between them.
func challenge(g workflow.Registration) Message {
	c := g.Challenge
	text := strings.TrimSuffix(c.Text, "\n")
	p := &page{}
	p.addText("*This key is not registered yet.* "+whyProof(g.Proof), code(g.Key.Type, nameLimit)+" "+code(g.Key.Fingerprint, nameLimit))
	p.addText("Sign this text with its private key "+until(c.ExpiresAt)+". It proves that the key is yours, and gives nobody anything else:", block(text))
	p.addText("Linux and macOS, with the path of your own key at the end:", block("printf '%s\\n' '"+text+"' | ssh-keygen -Y sign -n sshkeybot -f ~/.ssh/id_ed25519"))
	p.addText("Windows, in PowerShell:", block("'"+text+"' | ssh-keygen -Y sign -n sshkeybot -f $HOME\\.ssh\\id_ed25519"))
	p.addText("Then press the button, and paste what the command prints. The private key itself never leaves your computer.")
	p.addButtons(button(ActionProve, c.Nonce, "Enter the signature").WithStyle(slack.StylePrimary))
	return p.message()
}

func whyProof(cause workflow.ProofCause) string {
	switch cause {
	case workflow.ProofHeld:
		return "It is registered to somebody else, so I need a proof that it is yours. With it the key is yours alone."
	case workflow.ProofOffboarded:
		return "It was the key of somebody who was offboarded, so I need a proof that it is yours now."
	case workflow.ProofAlways, workflow.NoProof: // below
	}
	return "I need a proof that it is yours, as for every key here."
}

// block shows our own lines as they are, to be copied.
func block(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = escapeLine(line)
	}
	return "```\n" + strings.Join(lines, "\n") + "\n```"
}

func escapeLine(line string) string {
	var out strings.Builder
	for _, r := range line {
		out.WriteString(escapeRune(r))
	}
	return out.String()
}

// signatureMax is what a text input takes at most; the signature of an RSA key of 4,096 bits
// has half of that.
const signatureMax = 3000

// ProveModal asks for the signature of a challenge; channel is where the reply is shown.
func ProveModal(nonce, channel string) slack.ModalViewRequest {
	return modal(ModalProve, "Prove a key is yours", "Register", strings.TrimSpace(plainText(nonce, nameLimit)+" "+keepChannel(channel)),
		input(BlockSignature, "Signature", "From -----BEGIN SSH SIGNATURE----- to -----END SSH SIGNATURE-----. Never the private key.",
			textInput("-----BEGIN SSH SIGNATURE-----", "", signatureMax).WithMultiline(true)))
}

// ReadProve reads the signature of a submitted prove modal.
func ReadProve(state *slack.ViewState) string { return entered(state, BlockSignature) }

// ReadNonce reads the private_metadata of a prove modal.
func ReadNonce(metadata string) (nonce, channel string) {
	nonce, channel, _ = strings.Cut(metadata, " ")
	return nonce, channel
}

// Freed is the receipt of a revoked key that may be registered again.
func Freed(r access.Request) Message {
	return Say(fmt.Sprintf("The key %s of request %d may be registered again. Nobody has it by that alone.", shortPrint(r.Fingerprint), r.ID))
}

// keyMoved says that somebody proved a key to be theirs, in the words for whoever reads it.
func (p *page) keyMoved(n access.Notice) {
	m := n.KeyMove()
	key := code(m.Fingerprint, nameLimit)
	switch n.To {
	case m.From:
		p.addText("*The key " + key + " is not yours any more.* " + mention(m.To) + " has proved with a signature that it is theirs. " +
			"Access that you had with it has ended, and I remove it where I placed it for you.")
		p.addText("If you hold its private key, too, it is in two hands: neither of you should use it. Make a new pair, and register that.")
	case m.To:
		p.addText("*The key " + key + " is yours now.* " + mention(m.From) + " had registered it. It joins no access that is running: ask for access anew to use it.")
	default:
		p.addText("*The key " + key + " has changed hands.* " + mention(m.From) + " had registered it, and " + mention(m.To) + " has proved with a signature that it is theirs. " +
			"Access that " + mention(m.From) + " had with it has ended. If it was their key as well, it is in two hands: revoke it.")
	}
}
