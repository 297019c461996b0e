import { Controller } from '@nestjs/common';
import { StreamHandler, type StreamsModuleOptions } from 'nestjs-redis-streams';
import { StreamsTestKit } from 'nestjs-redis-streams/memory';
import { describe, expect, it } from 'vitest';
import { OnEvent, startApp } from '../support/nest-app.js';

const seen: string[] = [];

@Controller()
class OrderController {
  @StreamHandler('order.created')
  created(): void {
    seen.push('created');
  }

  @StreamHandler('order.paid', { stream: 'payments' })
  paid(): void {
    seen.push('paid');
  }

  @OnEvent('order.sent')
  sent(): void {
    seen.push('sent');
  }
}

async function start(options: Partial<StreamsModuleOptions>) {
  seen.length = 0;
  const { kit } = await startApp({ controllers: [OrderController], options });
  const publish = async (stream: string, event: string): Promise<void> => {
    await kit.publish(event, {}, { stream });
    await kit.idle();
  };
  return { kit, publish };
}

describe('the option stream of a transport', () => {
  it('is what handlers read that name no stream, of both decorators', async () => {
    const { publish } = await start({ stream: 'orders' });
    await publish('orders', 'order.created');
    await publish('orders', 'order.sent');
    await publish('payments', 'order.paid');
    expect(seen).toEqual(['created', 'sent', 'paid']);
  });

  it('comes before routes, and other events of that stream are filtered', async () => {
    const routes = [{ events: 'order.created', stream: 'elsewhere' }];
    const { kit, publish } = await start({ stream: 'orders', routes });
    await publish('orders', 'order.created');
    await publish('orders', 'order.unheard');
    expect(kit.settled.map(({ outcome }) => outcome)).toEqual(['handled', 'filtered']);
  });

  it('lets a handler of all events go without a stream of its own', async () => {
    @Controller()
    class AllController {
      @StreamHandler('*')
      all(): void {
        seen.push('any');
      }
    }
    seen.length = 0;
    const app = await startApp({ controllers: [AllController], options: { stream: 'orders' } });
    await app.publish('order.created', {}, { stream: 'orders' });
    expect(seen).toEqual(['any']);
  });
});

describe('the option batch of a transport', () => {
  async function sizes(batch: object, own: object): Promise<number[]> {
    const found: number[] = [];
    @Controller()
    class BatchController {
      @StreamHandler('order.created', { batch: own })
      all(orders: unknown[]): void {
        found.push(orders.length);
      }
    }
    const kit = new StreamsTestKit();
    for (let order = 0; order < 6; order++) await kit.publish('order.created', { order });
    await startApp({ controllers: [BatchController], kit, options: { batch } });
    await kit.idle();
    return found;
  }

  it('is what a handler leaves out of its own', async () => {
    expect(await sizes({ size: 3 }, {})).toEqual([3, 3]);
    expect(await sizes({ size: 3 }, { size: 2 })).toEqual([2, 2, 2]);
  });

  it('makes no handler take batches', async () => {
    const { publish } = await start({ batch: { size: 3 } });
    await publish('order.created', 'order.created');
    expect(seen).toEqual(['created']);
  });
});
