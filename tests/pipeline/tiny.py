"""A profile of a few seconds: `extra` are further lines of it, `steps` those of GRPO."""

PROFILE = """
students: [lab-llama]
default_student: lab-llama
tasks: lab_gsm8k
{extra}
evaluate: {{limit: 8, k: 2, temperature: 1.0}}
engine: {{name: transformers, batch_size: 64, device: cpu, dtype: float32}}
stages:
  pool: {{task: lab_gsm8k, size: 16, validation: 8}}
  probe: {{k: 2, max_tokens: 40}}
  teacher: {{teacher: oracle}}
  sft: {{epochs: 1, batch_size: 8, validate_every: 1, keep: last, max_tokens: 40}}
  grpo: {{steps: {steps}, group_size: 4, prompts_per_step: 2, max_tokens: 40}}
"""
