import { BullModule, InjectQueue } from '@nestjs/bullmq';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Queue } from 'bullmq';
import { RedisStreamsModule, StreamPublisher } from 'nestjs-redis-streams';

@Injectable()
export class JobMover {
  constructor(
    @InjectQueue('orders') private readonly queue: Queue,
    private readonly publisher: StreamPublisher,
  ) {}

  async moveAll(): Promise<void> {
    await this.queue.pause(); // workers take nothing more
    while ((await this.move()) > 0);
    await this.queue.resume(); // for flows and repetitions
  }

  /** Publishes the jobs that wait, oldest first. Answers how many. */
  private async move(): Promise<number> {
    const waiting = await this.queue.getJobs(
      ['waiting', 'prioritized', 'delayed'],
      0,
      -1,
      true,
    );
    const jobs = waiting.filter((job) => !job.parent && !job.repeatJobKey);
    for (const job of jobs) {
      await this.publisher.publish(job.name, job.data, {
        idempotencyKey: `orders:${job.id}`, // for when this loop is interrupted
        ...(job.delay > 0 && { deliverAt: job.timestamp + job.delay }),
      });
      await job.remove();
    }
    return jobs.length;
  }
}

@Module({
  imports: [
    BullModule.forRoot({
      connection: { url: process.env.REDIS_URL ?? 'redis://localhost' },
    }),
    BullModule.registerQueue({ name: 'orders' }),
    RedisStreamsModule.forRoot({ url: process.env.REDIS_URL, group: 'mover' }),
  ],
  providers: [JobMover],
})
export class MoveModule {}

export async function bootstrap() {
  const app = await NestFactory.createApplicationContext(MoveModule);
  await app.get(JobMover).moveAll();
  await app.close();
}
