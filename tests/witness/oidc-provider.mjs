// A certified OpenID provider that is not ours (npm oidc-provider), so that the companion's sign-in is proven against
// somebody else's reading of the standard and not only against our own sandbox.
// It is not Entra: the issuer has no tenant path and there is no Conditional Access; `tid` and `oid` are configured.
//
//   node oidc-provider.mjs [--tid GUID] [--scope SCOPE].. [--short-tokens]
//
// Prints one line of JSON, {"issuer","client_id","tid"}, and ends when its standard input closes. People sign in through
// the provider's own development forms: any login name, any password. `GET {issuer}/witness/account/{login}` tells the
// claims of that person, `GET {issuer}/witness/journal` what the provider has done (never a token).

import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';

const CLIENT_ID = 'companion';

const { values } = parseArgs({
  options: {
    tid: { type: 'string', default: randomUUID() },
    scope: { type: 'string', multiple: true, default: [] },
    // access tokens of two seconds, so that a test sees a refresh without waiting for an hour
    'short-tokens': { type: 'boolean', default: false },
  },
});

/** The same person has the same `oid` in every run. */
function oidOf(login) {
  const h = createHash('sha256').update(login).digest('hex');
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-8${h.slice(17, 20)}-${h.slice(20, 32)}`;
}

function claimsOf(login) {
  return { sub: login, oid: oidOf(login), tid: values.tid, name: login, preferred_username: `${login}@witness.example` };
}

const signing = await generateKeyPair('RS256', { extractable: true });

const configuration = {
  clients: [
    {
      client_id: CLIENT_ID,
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      // RFC 8252, 7.3: a loopback redirect is accepted on any port
      redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'],
    },
  ],
  jwks: { keys: [{ ...(await exportJWK(signing.privateKey)), alg: 'RS256', use: 'sig', kid: 'witness-1' }] },
  cookies: { keys: [randomUUID()] },
  scopes: ['openid', 'profile', 'offline_access', ...values.scope],
  claims: { openid: ['sub', 'oid', 'tid'], profile: ['name', 'preferred_username'] },
  // Entra puts these claims into the id_token; the standard only asks for them at userinfo
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true } },
  // Entra gives a refresh token for offline_access without asking for consent again, and it outlives the browser session
  issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  expiresWithSession: async () => false,
  rotateRefreshToken: true,
  ttl: {
    AccessToken: values['short-tokens'] ? 2 : 3600,
    IdToken: 3600,
    RefreshToken: 86400,
    AuthorizationCode: 60,
    Interaction: 600,
    Session: 3600,
    Grant: 86400,
  },
  // the development form makes the login name the account id
  findAccount: async (_ctx, login) => ({ accountId: login, claims: async () => claimsOf(login) }),
};

const journal = [];
const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, configuration);

for (const what of [
  'authorization.success',
  'authorization.error',
  'grant.success',
  'grant.error',
  'refresh_token.saved',
  'refresh_token.consumed',
  'grant.revoked',
]) {
  provider.on(what, (subject, error) => {
    const grant = subject?.oidc?.params?.grant_type;
    journal.push({ n: journal.length + 1, at: new Date().toISOString(), what, grant_type: grant, error: error?.error });
  });
}

const callback = provider.callback();
server.on('request', (request, response) => {
  const account = request.url.match(/^\/witness\/account\/([\w.-]+)$/);
  const answer = account ? claimsOf(account[1]) : request.url === '/witness/journal' ? { entries: journal } : undefined;
  if (answer === undefined) {
    // this provider has no account picker: asking for one means asking who it is. And it ignores offline_access without
    // a consent (OpenID Connect Core, 11), which at Entra the administrator has given for everybody
    request.url = request.url.replace('prompt=select_account', 'prompt=login%20consent');
    return callback(request, response);
  }
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(answer));
});

process.stdout.write(`${JSON.stringify({ issuer, client_id: CLIENT_ID, tid: values.tid })}\n`);
process.stdin.on('end', () => process.exit(0)).resume();
