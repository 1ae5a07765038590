/** A bill being made: what is chosen, what the server says it will cost, and the bill. Sums come from the server alone. */
import { computed, reactive, ref, shallowRef, watch } from 'vue'
import { fenOf } from '../../../../shared/money'
import { todayIn } from '../../../../shared/times'
import { api } from '../../../api/client'
import { newKey } from '../../../api/key'
import type { BillDraft, ChargeableUnits, StaffBill } from '../../../api/types'
import { t } from '../../../i18n'
import { session } from '../../../state/session'
import { useLoad } from '../../../ui/useLoad'
import { asStaff } from '../desk'
import { useForm } from '../manage/form'

const MOST_OF_ONE = 99

const fresh = () => ({
  accepted_on: todayIn(Date.now()), unit: '', kind: 'non_tax' as 'non_tax' | 'penalty', counts: {} as Record<string, number>, fine: '', number: '',
  name: '', payer: 'person' as 'person' | 'organisation', id_number: '', due_on: '', less: {} as Record<string, string>, document: '',
})

export function useIssue() {
  const form = useForm()
  const choice = reactive(fresh())
  const draft = shallowRef<BillDraft | null>(null)
  const bill = shallowRef<StaffBill | null>(null)
  const key = ref('')
  const state = useLoad(async () => (await asStaff(() => api.get<ChargeableUnits>('/staff/chargeable', { on: choice.accepted_on }))).units)
  const units = computed(() => state.data.value ?? [])
  const unit = computed(() => units.value.find((one) => one.code === choice.unit) ?? units.value[0] ?? null)
  const charges = computed(() => unit.value?.items.filter((one) => one.kind === 'non_tax') ?? [])
  const fine = computed(() => unit.value?.items.find((one) => one.kind === 'penalty') ?? null)
  const kind = computed(() => (choice.kind === 'penalty' && fine.value ? 'penalty' : charges.value.length ? 'non_tax' : 'penalty'))
  const chosen = computed(() => charges.value.filter((one) => choice.counts[one.code]))
  const charged = computed(() => (kind.value === 'penalty' ? [fine.value].filter((one) => one !== null) : chosen.value))
  const mayRelieve = computed(() => session.staff?.permissions.includes('bills.reduce') ?? false)
  /** What the decision takes off one item: null is no sum of money. */
  const lessOf = (code: string) => (choice.less[code]?.trim() ? fenOf(choice.less[code] ?? '') : 0)

  watch(() => choice.accepted_on, (day) => { if (day) void state.reload() })
  watch(() => unit.value?.code, () => { choice.counts = {}; choice.less = {} })
  watch(kind, () => { choice.due_on = '' })

  function body() {
    const penalty = kind.value === 'penalty'
    return {
      lines: charged.value.map((one) => ({
        item: one.code, reduction_fen: lessOf(one.code) ?? 0, ...(penalty ? { decided_fen: fenOf(choice.fine) } : { quantity: choice.counts[one.code] }),
      })),
      accepted_on: choice.accepted_on,
      payer: { name: choice.name.trim(), kind: choice.payer, id_number: choice.id_number.trim() || null },
      subject_type: penalty ? 'decision' : 'counter',
      subject_id: choice.number.trim() || key.value.slice(0, 64),
      due_on: choice.due_on || null,
      document: choice.document.trim() || null,
    }
  }

  async function look(): Promise<void> {
    const penalty = kind.value === 'penalty'
    const reduced = charged.value.some((one) => lessOf(one.code))
    const fine = form.check({
      accepted_on: !choice.accepted_on && t('money.issue.no_day'),
      items: !penalty && !chosen.value.length && t('money.issue.no_item'),
      fine: penalty && !fenOf(choice.fine) && t('money.issue.no_fine'),
      number: penalty && !choice.number.trim() && t('money.issue.no_number'),
      name: !choice.name.trim() && t('money.issue.no_name'),
      ...Object.fromEntries(charged.value.map((one) => [`less-${one.code}`, lessOf(one.code) === null && t('money.issue.no_sum')])),
      document: reduced && choice.document.trim().length < 2 && t('money.issue.no_document'),
    })
    if (!fine) return
    key.value = newKey()
    draft.value = await form.run('look', () => api.post<BillDraft>('/staff/bills/preview', body()))
  }

  async function issue(): Promise<void> {
    const made = await form.run('issue', () => api.post<StaffBill>('/staff/bills', body(), { idempotencyKey: key.value }))
    if (made) bill.value = made
  }

  function back(): void {
    draft.value = null
    form.check({})
  }

  function another(): void {
    Object.assign(choice, { ...fresh(), unit: choice.unit })
    bill.value = draft.value = null
  }

  return { form, choice, draft, bill, state, units, unit, charges, charged, fine, kind, mayRelieve, look, issue, back, another, MOST_OF_ONE }
}
