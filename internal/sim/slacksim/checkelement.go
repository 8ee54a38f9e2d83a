package slacksim

import (
	"slices"
	"strings"
)

// The elements that may stand in each place, and their fields beside "type",
// "action_id", "confirm" and "focus_on_load".
const (
	inActions = "button checkboxes radio_buttons overflow datepicker timepicker datetimepicker workflow_button " + selects
	inSection = "button image checkboxes radio_buttons overflow datepicker timepicker workflow_button " + selects
	inInput   = "plain_text_input email_text_input url_text_input number_input rich_text_input file_input " +
		"checkboxes radio_buttons datepicker timepicker datetimepicker " + selects
	selects = "static_select external_select users_select conversations_select channels_select " +
		"multi_static_select multi_external_select multi_users_select multi_conversations_select multi_channels_select"
)

func elementFields(kind string) string {
	switch kind {
	case "button":
		return "text url value style accessibility_label"
	case "workflow_button":
		return "text workflow style accessibility_label"
	case "checkboxes", "radio_buttons":
		return "options initial_option initial_options"
	case "overflow":
		return "options"
	case "datepicker", "timepicker", "datetimepicker":
		return "initial_date initial_time initial_date_time placeholder timezone"
	case "plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input":
		return "initial_value placeholder multiline min_length max_length dispatch_action_config is_decimal_allowed min_value max_value"
	case "file_input":
		return "filetypes max_files"
	default:
		return "placeholder options option_groups initial_option initial_options initial_user initial_users " +
			"initial_conversation initial_conversations initial_channel initial_channels default_to_current_conversation " +
			"response_url_enabled filter max_selected_items min_query_length"
	}
}

// element checks one interactive element in a place that takes the kinds in
// allowed.
func (c *checker) element(path string, e Block, allowed string) {
	kind := e.Type()
	if !slices.Contains(strings.Fields(allowed), kind) {
		c.fail(path+"/type", "%q is not taken here", kind)
		return
	}
	if kind == "image" {
		c.image(path, e)
		return
	}
	c.known(path, e, "type action_id confirm focus_on_load "+elementFields(kind))
	c.length(path+"/action_id", e.str("action_id"), 0, maxID)
	c.confirm(path+"/confirm", e["confirm"])
	c.plain(path+"/placeholder", e["placeholder"], false, 150)
	switch kind {
	case "button", "workflow_button":
		c.button(path, e)
	case "overflow":
		c.options(path+"/options", e.list("options"), 5, false)
	case "checkboxes", "radio_buttons":
		c.options(path+"/options", e.list("options"), 10, true)
	case "static_select", "multi_static_select":
		c.menu(path, e)
	case "plain_text_input":
		c.textInput(path, e)
	}
	c.initial(path, e)
}

func (c *checker) button(path string, e Block) {
	c.plain(path+"/text", e["text"], true, 75)
	c.length(path+"/value", e.str("value"), 0, 2000)
	c.length(path+"/url", e.str("url"), 0, 3000)
	c.length(path+"/accessibility_label", e.str("accessibility_label"), 0, 75)
	c.style(path+"/style", e)
	if v, set := e["value"]; set {
		if _, isText := v.(string); !isText {
			c.fail(path+"/value", "must be a string")
		}
	}
}

func (c *checker) menu(path string, e Block) {
	groups := e.list("option_groups")
	if len(groups) == 0 {
		c.options(path+"/options", e.list("options"), 100, false)
		return
	}
	if e["options"] != nil {
		c.fail(path+"/option_groups", "excludes options")
	}
	c.count(path+"/option_groups", len(groups), 1, 100)
	for i, g := range groups {
		p := item(path+"/option_groups", i)
		c.plain(p+"/label", g["label"], true, 75)
		c.options(p+"/options", g.list("options"), 100, false)
	}
}

func (c *checker) textInput(path string, e Block) {
	least, _ := e["min_length"].(float64)
	most, hasMost := e["max_length"].(float64)
	if least < 0 || least > 3000 {
		c.fail(path+"/min_length", "must be 0 to 3000")
	}
	if hasMost && (most < 1 || most > 3000 || most < least) {
		c.fail(path+"/max_length", "must be 1 to 3000 and no less than min_length")
	}
	c.length(path+"/initial_value", e.str("initial_value"), 0, 3000)
}

// initial wants the first choice of a menu to be one of its options, letter by letter.
func (c *checker) initial(path string, e Block) {
	if e["options"] == nil && e["option_groups"] == nil {
		return
	}
	chosen := e.list("initial_options")
	if o := e.obj("initial_option"); o != nil {
		chosen = append(chosen, o)
	}
	for _, o := range chosen {
		found, err := option(e, o.str("value"))
		if err != nil || found.text("text") != o.text("text") {
			c.fail(path+"/initial_option", "is none of the options")
		}
	}
}

func (c *checker) image(path string, e Block) {
	c.length(path+"/alt_text", e.str("alt_text"), 1, 2000)
	c.length(path+"/image_url", e.str("image_url"), 0, 3000)
	if e["image_url"] == nil && e["slack_file"] == nil {
		c.fail(path+"/image_url", "is required")
	}
}
