/** Words for answers and states that several pages of filing share. */
import { t } from '../../../i18n'

export const words = () => ({ yes: t('filing.yes'), no: t('filing.no'), agreed: t('filing.agreed'), none: t('filing.none'), stop: t('filing.stop') })

export const TASK_KINDS = { not_started: 'quiet', in_progress: 'warn', done: 'success', cannot_start: 'quiet' } as const

/** 1.4 MB, 300 KB */
export const sizeText = (bytes: number): string => (bytes >= 1_000_000 ? `${(bytes / 1_048_576).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1024))} KB`)
