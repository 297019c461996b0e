import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ack } from 'nestjs-redis-streams/driver';
import { Directory, publish, subscribe } from './directory.js';

describe('with sync', () => {
  it('every kind of write works, and is there for the next process', async () => {
    const directory = new Directory();
    const driver = directory.open({ sync: true });
    await publish(driver, 'a', 'b');
    const [lease] = await (await subscribe(driver)).pull(1);
    await driver.source.settle([
      { lease: lease!, settlement: { ...ack, publish: [{ stream: 'next', fields: ['a', 'b'] }] } },
    ]);
    await driver.state!.set('key', 'value');
    await directory.closeDrivers();
    assert.equal(await directory.open().state!.get('key'), 'value');
    await directory.remove();
  });
});
