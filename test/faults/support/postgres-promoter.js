/**
 * A process that promotes the delayed messages of a stream, over and over, also while the server is
 * away. argv: url and stream. It tells its parent after each step how many it has moved.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { EventBus } from '../../../dist/driver.js';
import { postgres } from '../../../dist/postgres.js';

const [, , url, stream] = process.argv;
const driver = postgres({ url }).open({ events: new EventBus(), keyPrefix: '' });

for (;;) {
  const [step] = await driver.delays.promote([stream]);
  if (step.moved > 0) process.send({ moved: step.moved });
  else await pause(5);
}
