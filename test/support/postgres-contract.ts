import { randomBytes } from 'node:crypto';
import { EventBus } from '../../lib/core/event-bus.js';
import type { PostgresOptions } from '../../lib/drivers/postgres/connection/postgres.options.js';
import { postgres } from '../../lib/drivers/postgres/postgres.driver.js';
import { grantsSql } from '../../lib/drivers/postgres/schema/grants-sql.js';
import { migrate } from '../../lib/drivers/postgres/schema/migrate.js';
import type { DriverHarness } from '../../lib/testing/world/driver-harness.js';
import { describeDriverContract } from '../contracts/driver.contract.js';
import { elapse } from './passing-time.js';
import type { TestPostgres } from './postgres.js';
import { secret } from './secrets.js';

const unique = (name: string): string => `${name}-${randomBytes(4).toString('hex')}`;

/** A role with the least rights that are documented, for the schema `streams`, which is made here. */
export async function leastRole({ url, server, pool }: TestPostgres) {
  await migrate({ url });
  const role = await server.createRole(`least-${randomBytes(4).toString('hex')}`, secret('user'));
  // All roles may call new functions, unless an administrator has forbidden it.
  await pool.query('revoke execute on all functions in schema streams from public');
  await pool.query(grantsSql({ role: role.name }));
  return role;
}

/**
 * All contract suites against a server.
 * @param place where the server is, once it has started
 * @param events returns the bus of a connection, for tests that bring none
 */
export function describePostgresContract(
  name: string,
  place: () => { readonly server: TestPostgres; readonly options: PostgresOptions },
  events: () => EventBus = () => new EventBus(),
): void {
  const harness = async (): Promise<DriverHarness> => ({
    open: async ({ events: given = events(), keyPrefix = '' } = {}) =>
      postgres(place().options).open({ events: given, keyPrefix }),
    elapse,
    now: () => Date.now(),
    unique,
    trim: async (stream, id) => {
      await place().server.pool.query(
        `delete from streams.message using streams.stream
          where stream.id = message.stream and stream.name = $1 and message.id = $2`,
        [stream, id],
      );
    },
    close: async () => undefined,
  });
  const consumers = () => ({ source: postgres(place().options), keyPrefix: '', unique });
  describeDriverContract(name, harness, consumers);
}
