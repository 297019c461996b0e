/**
 * Redrives all dead letters of a stream, on the built library. argv[2] is the JSON of
 * `{ brokers, keyPrefix, stream }`. Tells its parent when it begins, and how many have moved.
 */
import { EventBus } from '../../../dist/driver.js';
import { kafka } from '../../../dist/kafka.js';

const { brokers, keyPrefix, stream } = JSON.parse(process.argv[2]);
const driver = kafka({ brokers }).open({ events: new EventBus(), keyPrefix });
process.send?.('begins');
const moved = await driver.deadLetters.redrive(stream, { all: true });
process.send?.({ moved });
await driver.source.close();
process.disconnect();
