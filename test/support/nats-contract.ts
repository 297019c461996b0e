import { randomBytes } from 'node:crypto';
import { EventBus } from '../../lib/core/event-bus.js';
import type { NatsOptions } from '../../lib/drivers/nats/connection/nats.options.js';
import { streamName } from '../../lib/drivers/nats/names/names.js';
import { nats } from '../../lib/drivers/nats/nats.driver.js';
import type { Driver } from '../../lib/ports/driver.js';
import type { DriverHarness } from '../../lib/testing/world/driver-harness.js';
import { describeDriverContract } from '../contracts/driver.contract.js';
import type { TestNats } from './nats.js';
import { elapse } from './passing-time.js';

const unique = (name: string): string => `${name}-${randomBytes(4).toString('hex')}`;

/** Before 2.12 the server refuses delayed messages: those suites are left out by name. */
function withoutWhatIsNew(driver: Driver, version: string): Driver {
  const [, minor] = version.split('.').map(Number);
  if (minor! >= 12) return driver;
  const { delays: _, ...rest } = driver;
  return rest;
}

/**
 * All contract suites against a server.
 * @param place where the server is, once it has started
 */
export function describeNatsContract(
  name: string,
  place: () => { readonly server: TestNats; readonly options: NatsOptions },
): void {
  const harness = async (): Promise<DriverHarness> => ({
    open: async ({ events = new EventBus(), keyPrefix = '' } = {}) =>
      withoutWhatIsNew(
        nats(place().options).open({ events, keyPrefix }),
        place().server.client.info!.version,
      ),
    elapse,
    now: () => Date.now(),
    unique,
    trim: async (stream, id) => {
      const { client } = place().server;
      const subject = `$JS.API.STREAM.MSG.DELETE.${streamName('', stream)}`;
      await client.request(subject, JSON.stringify({ seq: Number(id) }));
    },
    close: async () => undefined,
  });
  const consumers = () => ({ source: nats(place().options), keyPrefix: '', unique });
  describeDriverContract(name, harness, consumers);
}
