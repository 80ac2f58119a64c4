/** Whether a day is over that was the last one with updates. Both are YYYY-MM-DD, which sort as texts. */
export function isPast(endOfLife: string | null | undefined, today: string): boolean {
  return typeof endOfLife === 'string' && endOfLife < today
}
