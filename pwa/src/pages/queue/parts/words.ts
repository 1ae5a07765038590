/** A queue's length and wait as people say them. */
import { t } from '../../../i18n'
import { waitRange, type Line } from '../../../../shared/queue'

export function rangeText(queue: Line | null, ahead: number): string {
  const range = queue && waitRange(queue, ahead)
  if (!range) return t('queue.range_none')
  return range.from ? t('queue.range', { ...range }) : t('queue.range_short', { to: range.to })
}

/** "等 3 人 · 约 15–50 分钟 · 2 个窗口在办", for somebody who joins now. */
export function lengthText(queue: Line): string {
  const range = waitRange(queue, queue.line.length)
  return [
    queue.line.length ? t('queue.waiting', { n: queue.line.length }) : t('queue.waiting_none'),
    ...(range ? [range.from ? t('queue.minutes', { ...range }) : t('queue.minutes_short', { to: range.to })] : []),
    queue.windows ? t('queue.windows', { n: queue.windows }) : t('queue.windows_none'),
  ].join(' · ')
}
