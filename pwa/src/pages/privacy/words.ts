/** Lengths of time and sizes as people say them. */
import { t } from '../../i18n'

const YEAR = 365.25
const LONG = 365

/** 730 → 2 years, 180 → 180 days, nothing → as long as the account exists. */
export function keptText(days: number | null): string {
  if (days === null) return t('privacy.with_account')
  const years = Math.round(days / YEAR)
  return days >= LONG && Math.abs(days - years * YEAR) <= 2 ? t('privacy.years', { n: years }) : t('privacy.days', { n: days })
}

/** Bytes as KB or MB. */
export const sizeText = (bytes: number): string => (bytes < 1024 * 1024 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`)
