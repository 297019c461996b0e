// @ts-check
/** A Nest application with this library, whose handlers return the next step. */
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { next, StreamHandler } from 'nestjs-redis-streams';
import { EVENT } from '../payload.js';
import { start } from './ours.js';

/** Where the steps go that are only published. */
const TARGET = { stream: 'bench-next', event: EVENT };

/** @type {NonNullable<import('../types.js').System['consume']>} */
export async function consume({ url, streams, groups, concurrency }, handle) {
  class ChainController {
    /** @param {import('../types.js').Payload} payload */
    first(payload) {
      void handle(payload, 0);
      return next(TARGET, payload);
    }
  }
  const method = Object.getOwnPropertyDescriptor(ChainController.prototype, 'first') ?? {};
  Payload()(ChainController.prototype, 'first', 0);
  StreamHandler({ streams, events: EVENT, group: groups[0] ?? '' })(
    ChainController.prototype,
    'first',
    method,
  );
  Object.defineProperty(ChainController.prototype, 'first', method);
  Controller()(ChainController);
  const app = await start({ url, concurrency }, [ChainController]);
  return () => app.close();
}
