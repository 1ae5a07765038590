/** One payer at the window: the bill, the charge of their code, and asking until it is decided. */
import { computed, onScopeDispose, ref, shallowRef } from 'vue'
import { api } from '../../../api/client'
import { newKey } from '../../../api/key'
import type { Bill, Collection, PaymentSlip } from '../../../api/types'
import { t } from '../../../i18n'
import { said } from '../../citizen/parts/said'
import { asStaff } from '../desk'

const OPEN = new Set(['issued', 'paying'])

export function useCollection() {
  const bill = shallowRef<Bill | null>(null)
  const collection = shallowRef<Collection | null>(null)
  const slip = shallowRef<PaymentSlip | null>(null)
  const busy = ref('')
  const problem = ref('')
  const note = ref('')
  const waiting = computed(() => bill.value !== null && OPEN.has(bill.value.status))
  const phase = computed<Collection['phase'] | null>(() => (bill.value?.paid_at ? 'paid' : collection.value?.phase ?? null))
  let timer = 0
  onScopeDispose(() => window.clearTimeout(timer))

  async function attempt<T>(name: string, work: () => Promise<T>): Promise<T | null> {
    if (busy.value) return null
    busy.value = name
    problem.value = note.value = ''
    try {
      return await asStaff(work)
    } catch (error) {
      problem.value = said(error, t('staff.offline'))
      return null
    } finally {
      busy.value = ''
    }
  }

  const lookUp = (code: string) => api.post<Bill>('/staff/bills/look-up', { pay_code: code })

  async function find(code: string): Promise<void> {
    if (!code.trim()) {
      problem.value = t('money.collect.no_code')
      return
    }
    bill.value = await attempt('find', () => lookUp(code))
    if (bill.value?.paid_at) await printable()
  }

  async function printable(): Promise<void> {
    if (bill.value) slip.value = await api.get<PaymentSlip>(`/staff/bills/${bill.value.id}/slip`).catch(() => null)
  }

  /** What became of it; a payer who types a password is asked about again and again. */
  async function follow(now: Collection | null): Promise<void> {
    if (now) collection.value = now
    const one = collection.value
    if (!one || !bill.value) return
    if (['paid', 'returned', 'checking', 'failed'].includes(one.phase)) {
      bill.value = await asStaff(() => lookUp(bill.value?.pay_code ?? '')).catch(() => bill.value)
      await printable()
    }
    window.clearTimeout(timer)
    if (one.again_s === null) return
    timer = window.setTimeout(async () => {
      const seen = await asStaff(() => api.post<Collection>(`/staff/collections/${one.attempt_id}/look`)).catch(() => null)
      await follow(seen)
    }, one.again_s * 1000)
  }

  async function begin(name: string, way: string, body: object): Promise<void> {
    if (!bill.value) return
    const key = newKey()
    await follow(await attempt(name, () => api.post<Collection>(`/staff/bills/${bill.value?.id}/${way}`, body, { idempotencyKey: key })))
  }

  const charge = (scanned: string) => begin('charge', 'scan', { auth_code: scanned })
  const showCode = () => begin('show', 'qr', {})

  async function giveUp(): Promise<void> {
    const one = collection.value
    if (one) await follow(await attempt('give_up', () => api.post<Collection>(`/staff/collections/${one.attempt_id}/give-up`)))
  }

  async function askFinance(): Promise<void> {
    const one = bill.value
    if (!one) return
    const answer = await attempt('finance', () => api.post<{ paid: boolean }>(`/staff/bills/${one.id}/look-at-finance`))
    if (!answer) return
    note.value = answer.paid ? '' : t('money.collect.finance_none')
    if (answer.paid) {
      bill.value = await asStaff(() => lookUp(one.pay_code)).catch(() => one)
      await printable()
    }
  }

  function reset(): void {
    window.clearTimeout(timer)
    bill.value = collection.value = slip.value = null
    problem.value = note.value = ''
  }

  return { bill, collection, slip, busy, problem, note, phase, waiting, find, charge, showCode, giveUp, askFinance, reset }
}
