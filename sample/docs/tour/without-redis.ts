import { StreamsModule } from 'nestjs-redis-streams';
import { memory } from 'nestjs-redis-streams/memory';

export const streams = StreamsModule.forRoot({
  slots: { messageSource: memory() },
  group: 'shop',
});
