// A bot on Slack's own client: answers a command, posts, updates, presses on
// through a refresh, and closes when its input ends.
import { SocketModeClient, LogLevel } from '@slack/socket-mode';
import { WebClient } from '@slack/web-api';

const slackApiUrl = process.env.SLACK_API_URL;
const web = new WebClient(process.env.SLACK_BOT_TOKEN, { slackApiUrl });
const client = new SocketModeClient({
  appToken: process.env.SLACK_APP_TOKEN,
  clientOptions: { slackApiUrl },
  logLevel: LogLevel.WARN,
});

client.on('slash_commands', async ({ body, ack }) => {
  await ack({ text: `heard ${body.text}` });
  const blocks = [
    { type: 'section', text: { type: 'mrkdwn', text: 'Sure?' } },
    { type: 'actions', elements: [{ type: 'button', action_id: 'yes', text: { type: 'plain_text', text: 'Yes' } }] },
  ];
  await web.chat.postMessage({ channel: body.channel_id, text: 'Sure?', blocks });
});

client.on('interactive', async ({ body, ack }) => {
  await ack();
  if (body.type === 'view_submission') return;
  await web.chat.update({ channel: body.channel.id, ts: body.message.ts, text: `yes from ${body.user.id}` });
  await web.views.open({
    trigger_id: body.trigger_id,
    view: {
      type: 'modal',
      title: { type: 'plain_text', text: 'Why' },
      submit: { type: 'plain_text', text: 'Send' },
      blocks: [
        {
          type: 'input',
          block_id: 'why',
          label: { type: 'plain_text', text: 'Why' },
          element: { type: 'plain_text_input', action_id: 'text' },
        },
      ],
    },
  });
});

client.on('user_change', async ({ event, ack }) => {
  await ack();
  await web.chat.postMessage({ channel: 'C1', text: `left: ${event.user.id} ${event.user.deleted}` });
});

await client.start();
process.stdin.resume();
process.stdin.on('end', async () => {
  await client.disconnect();
  process.exit(0);
});
