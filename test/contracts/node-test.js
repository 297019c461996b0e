// @ts-check
// Contract suites under node:test, with the package as it is built: `node --test test/contracts/node-test.js`.
import { describe, it } from 'node:test';
import { EventBus } from 'nestjs-redis-streams/driver';
import {
  ManualClock,
  memory,
  sourceContract,
  stateStoreContract,
} from 'nestjs-redis-streams/testing';

function harness() {
  const clock = new ManualClock();
  const driver = memory({ clock });
  let names = 0;
  return {
    /** @param {import('nestjs-redis-streams/testing').OpenOptions} [options] */
    open: async ({ events = new EventBus(), keyPrefix = '' } = {}) =>
      driver.open({ events, keyPrefix }),
    /** @param {number} ms */
    elapse: (ms) => clock.advance(ms),
    now: () => clock.now(),
    /** @param {string} name */
    unique: (name) => `${name}-${++names}`,
    close: async () => undefined,
  };
}

sourceContract({ describe, it }, 'memory', harness);
stateStoreContract({ describe, it }, 'memory', harness);
