// Uses an account through Scalingo's own JavaScript client, and prints what it sees, one JSON value a line.
import { clientFromToken } from 'scalingo';

const { SCALINGO_URL, SCALINGO_API_TOKEN, PUBLIC_KEY } = process.env;
const client = await clientFromToken(SCALINGO_API_TOKEN, { authApiUrl: SCALINGO_URL, apiUrl: SCALINGO_URL });
const print = (value) => console.log(JSON.stringify(value));
const refused = async (call) => {
  try {
    await call;
    return 'nothing';
  } catch (error) {
    return error.status;
  }
};

print((await client.Users.self()).username);
print((await client.Tokens.all()).map((token) => token.name));
print((await client.Keys.all()).map((key) => key.name));
const made = await client.Keys.create('laptop', PUBLIC_KEY);
print((await client.Keys.all()).map((key) => key.content));
print((await client.Keys.show(made.id)).fingerprint === made.fingerprint);
print(await refused(client.Keys.create('again', PUBLIC_KEY)));
await client.Keys.destroy(made.id);
print(await refused(client.Keys.destroy(made.id)));
print(await client.Keys.all());
print(await refused(clientFromToken('tk-us-wrong', { authApiUrl: SCALINGO_URL })));
