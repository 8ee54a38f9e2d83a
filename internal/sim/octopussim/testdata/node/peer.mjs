// Octopus's own client for TypeScript at work: who am I, which spaces are there, a health check and its end, and
// what a refusal looks like. It prints one JSON object.
import octopus from '@octopusdeploy/api-client';

const { Client, ServerTaskWaiter, SpaceRepository, SpaceServerTaskRepository, userGetCurrent } = octopus;
const instanceURL = process.env.OCTOPUS_URL;
const connect = (apiKey) => Client.create({ userAgentApp: 'peer', instanceURL, apiKey });
const refusal = (call) => call.then(() => 'none', (e) => `${e.StatusCode} ${e.ErrorMessage}`);

const client = await connect(process.env.OCTOPUS_API_KEY);
const server = await client.getServerInformation();
const user = await userGetCurrent(client);
const spaces = await new SpaceRepository(client).list({ partialName: 'e', skip: 0, take: 2 });
const tasks = new SpaceServerTaskRepository(client, 'Default');

const health = (ids) => ({
  spaceName: 'Default', Name: 'Health', Description: 'by the peer', Arguments: { Timeout: '00:05:00', MachineTimeout: '00:01:00', MachineIds: ids },
});
const started = await client.doCreate('~/api/{spaceId}/tasks', health([process.env.MACHINE]));
const states = [];
const waiter = new ServerTaskWaiter(client, 'Default');
const ended = await waiter.waitForServerTaskToComplete(started.Id, 5, 60000, (t) => states.push(t.State));
const read = await tasks.getById(started.Id);

console.log(JSON.stringify({
  version: server.version,
  user: [user.Username, user.IsService],
  spaces: [spaces.TotalResults, spaces.ItemsPerPage, spaces.Items.map((s) => s.Name)],
  started: [started.State, started.IsCompleted],
  last: states.at(-1),
  ended: [ended.Id === read.Id, read.Name, read.State, read.IsCompleted, read.FinishedSuccessfully, read.Description],
  invalid: await refusal(client.doCreate('~/api/{spaceId}/tasks', health(['Machines-99']))),
  missing: await refusal(tasks.getById('ServerTasks-99')),
  unauthorized: await refusal(connect('API-WRONG').then(userGetCurrent)),
}));
