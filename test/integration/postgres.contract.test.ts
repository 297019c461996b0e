import { afterAll, beforeAll } from 'vitest';
import type { PostgresOptions } from '../../lib/drivers/postgres/connection/postgres.options.js';
import { describePostgresContract, leastRole } from '../support/postgres-contract.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';

let server: TestPostgres;
/** All that the suites do, they do as a role with the least rights that are documented. */
let options: PostgresOptions;
beforeAll(async () => {
  server = await testPostgres();
  options = { url: server.server.url('test', await leastRole(server)), migrate: false };
});
afterAll(() => server.cleanup());

describePostgresContract('postgres', () => ({ server, options }));
