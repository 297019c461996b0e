import {
  Controller,
  Inject,
  Injectable,
  Scope,
  UseFilters,
  UsePipes,
  type PipeTransform,
} from '@nestjs/common';
import { CONTEXT, Ctx, Payload, type RequestContext } from '@nestjs/microservices';
import { StreamContext, StreamHandler } from 'nestjs-redis-streams';
import { throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { startApp } from '../support/nest-app.js';

@Injectable({ scope: Scope.REQUEST })
class UnitOfWork {
  static made = 0;
  readonly number = ++UnitOfWork.made;

  constructor(@Inject(CONTEXT) readonly request: RequestContext<unknown, StreamContext>) {}
}

describe('request-scoped providers', () => {
  it('are made anew for each run, and know its message', async () => {
    const seen: unknown[] = [];
    UnitOfWork.made = 0;
    @Controller()
    class Orders {
      constructor(@Inject(UnitOfWork) private readonly unit: UnitOfWork) {}

      @StreamHandler(['order', 'refund'])
      handle(@Payload() order: unknown, @Ctx() context: StreamContext): void {
        const { request, number } = this.unit;
        seen.push([number, request.getPattern(), request.getData(), order]);
        expect(request.getContext()).toBe(context);
      }
    }
    const { publish } = await startApp({ controllers: [Orders], providers: [UnitOfWork] });
    await publish('order', { id: 1 });
    await publish('refund', { id: 2 });
    expect(seen).toEqual([
      [1, 'order', { id: 1 }, { id: 1 }],
      [2, 'refund', { id: 2 }, { id: 2 }],
    ]);
  });

  it('keep apart runs at the same time, with or without declared parameters', async () => {
    const seen = new Map<unknown, number>();
    @Controller({ scope: Scope.REQUEST })
    class Orders {
      constructor(@Inject(UnitOfWork) private readonly unit: UnitOfWork) {}

      @StreamHandler('order')
      async handle({ id }: { id: number }, context: StreamContext): Promise<void> {
        await Promise.resolve();
        expect(this.unit.request.getContext()).toBe(context);
        seen.set(id, this.unit.number);
      }
    }
    const { kit } = await startApp({ controllers: [Orders], providers: [UnitOfWork] });
    await Promise.all(Array.from({ length: 50 }, (_, id) => kit.publish('order', { id })));
    await kit.idle();
    expect(kit.settled.every(({ outcome }) => outcome === 'handled')).toBe(true);
    expect(new Set(seen.values()).size).toBe(50);
  });

  it('failures keep their original error, also where filters replace it', async () => {
    @UseFilters({ catch: () => throwError(() => 'translated') })
    @Controller({ scope: Scope.REQUEST })
    class Orders {
      @StreamHandler('order')
      async handle({ id }: { id: number }): Promise<void> {
        throw new Error(`no stock for ${id}`);
      }
    }
    const { kit } = await startApp({ controllers: [Orders], options: { maxDeliveries: 1 } });
    await Promise.all(Array.from({ length: 20 }, (_, id) => kit.publish('order', { id })));
    await kit.idle();
    const letters = await kit.deadLetters();
    expect(letters).toHaveLength(20);
    for (const { payload, error } of letters) {
      expect(error!.message).toBe(`no stock for ${(payload as { id: number }).id}`);
    }
  });

  it('pipes that are request-scoped reject and pass', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class TenantPipe implements PipeTransform {
      constructor(@Inject(UnitOfWork) private readonly unit: UnitOfWork) {}

      transform(value: unknown): unknown {
        const { tenant } = this.unit.request.getContext().metadata;
        if (tenant !== 'a') throw new Error(`tenant ${tenant}`);
        return value;
      }
    }
    @Controller()
    class Orders {
      @StreamHandler('order')
      @UsePipes(TenantPipe)
      handle(@Payload() _order: unknown): void {}
    }
    const { kit, publish } = await startApp({ controllers: [Orders], providers: [UnitOfWork] });
    await publish('order', {}, { metadata: { tenant: 'a' } });
    await publish('order', {}, { metadata: { tenant: 'b' } });
    expect(kit.settled).toMatchObject([
      { outcome: 'handled' },
      { outcome: 'dead-lettered', reason: 'rejected', error: { message: 'tenant b' } },
    ]);
  });

  it('a provider that cannot be made is an ordinary failure', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Broken {
      constructor() {
        throw new Error('no connection');
      }
    }
    @Controller()
    class Orders {
      constructor(@Inject(Broken) readonly broken: Broken) {}

      @StreamHandler('order')
      handle(): void {}
    }
    const { outcome } = await startApp({ controllers: [Orders], providers: [Broken] });
    expect(await outcome('order', {})).toMatchObject({
      outcome: 'retried',
      error: { message: 'no connection' },
    });
  });
});

describe('inherited handlers', () => {
  abstract class Base {
    readonly seen: unknown[] = [];

    @StreamHandler('order')
    handle(@Payload('id') id: number, @Ctx() context: StreamContext): void {
      this.seen.push([id, context.stream]);
    }
  }

  it('work in the class that inherits them', async () => {
    @Controller()
    class Orders extends Base {}
    const { app, publish } = await startApp({ controllers: [Orders] });
    await publish('order', { id: 1 });
    expect(app.get(Orders).seen).toEqual([[1, 'order']]);
  });

  it('may be overridden, with other parameters', async () => {
    @Controller()
    class Orders extends Base {
      @StreamHandler('refund')
      override handle(@Payload('amount') amount: number): void {
        this.seen.push(amount);
      }
    }
    const { app, publish } = await startApp({ controllers: [Orders] });
    await publish('refund', { amount: 5 });
    expect(app.get(Orders).seen).toEqual([5]);
  });

  it('that are overridden leave nothing of theirs among the arguments', async () => {
    class Counting {
      readonly seen: unknown[] = [];

      @StreamHandler('order')
      handle(...args: unknown[]): void {
        this.seen.push(args.length);
      }
    }
    @Controller()
    class Orders extends Counting {
      @StreamHandler('refund')
      override handle(@Payload('amount') _amount: unknown): void {
        this.seen.push(arguments.length);
      }
    }
    const { app, publish } = await startApp({ controllers: [Orders] });
    await publish('refund', { amount: 5 });
    expect(app.get(Orders).seen).toEqual([1]);
  });
});
