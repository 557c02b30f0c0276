"""From the boot loader's hand-over to the prompt, in instructions."""
import bare
import boot

INSTRUCTIONS_MOST = 300_000_000


def test_prompt_comes_within_its_instructions():
    figures = boot.run(*bare.EXACT, *boot.RAM_DISK)
    print(figures)
    assert 0 < figures["work"] < INSTRUCTIONS_MOST
