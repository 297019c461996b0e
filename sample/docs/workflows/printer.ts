import { Injectable } from '@nestjs/common';

@Injectable()
export class Printer {
  async print(_orderId: string): Promise<void> {}
}
