import { StreamsModule, type Middleware } from 'nestjs-redis-streams';
import { loadConfig } from 'nestjs-redis-streams/config';

const timed: Middleware = async (delivery, next) => {
  console.time(delivery.id);
  const settlement = await next(delivery);
  console.timeEnd(delivery.id);
  return settlement;
};

export const streams = (file: string) =>
  // #region in-code
  StreamsModule.forRoot({
    ...loadConfig(file),
    middleware: [timed],
  });
// #endregion
